# %% [markdown] lang="en"
# # 3.5 Unplanned failover
#
# *In the guide: STEP 3, 3.5 計画されていないフェールオーバー. About 12 minutes.*
#
# Nobody rings you up beforehand this time. You will
#
# - measure how much a disaster costs, by letting it strike at different moments, in copies of your lab;
# - lose the whole site, and find that it cannot be asked for anything;
# - start `MYWSV01` in Azure from what has arrived there, count the orders that are lost, and commit;
# - clear up when the power is back: a replica that must be compared, and a twin that must not live.
# %% [markdown] lang="ja"
# # 3.5 計画されていないフェールオーバー
#
# *自習書: STEP 3「3.5 計画されていないフェールオーバー」。所要時間は約 12 分です。*
#
# 今回は、誰も前もって知らせてくれません。このノートブックでは、次のことをします。
#
# - ラボのコピーの中で、いろいろな瞬間に災害を起こし、どれだけ失われるかを測る。
# - サイト全体を失い、サイトには何も要求できないことを確かめる。
# - Azure に届いている分から `MYWSV01` を起動し、失われた注文を数え、コミットする。
# - 電力が戻ったあとの後始末をする。比べ直しが必要なレプリカと、起動してはならない「もう 1 台」があります。
# %% [markdown] lang="en"
# ## Where you begin
#
# `MYWSV02` runs in Azure already (3.4, committed). `MYWSV01`, which takes the shop's orders, and `MYBSD01` run at the site and are
# protected, every five minutes.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# `MYWSV02` は、すでに Azure で動いています (3.4 でコミット済み)。店の注文を受け付ける `MYWSV01` と、`MYBSD01` はサイトで動いていて、
# 5 分ごとのレプリケーションで保護されています。
# %%
import tempfile

import labkit
from labkit import course, portal, views

lab = course.start("unplanned-failover")
# %% [markdown] lang="en"
# ## What an unplanned failover is
#
#     planned      shut down > send the rest > start in Azure     needs the site,  RPO 0
#     unplanned                                start in Azure     needs nothing,   RPO up to interval + transfer
#
# It takes what has arrived in Azure, and no more. What was written at the site after the last state that came over whole is lost.
# How much is that? It depends on when the disaster strikes.
# %% [markdown] lang="ja"
# ## 計画されていないフェールオーバーとは
#
#     計画された          シャットダウン > 残りを送る > Azure で起動   サイトが必要    RPO 0
#     計画されていない                                  Azure で起動   何も必要ない    RPO は最大で「間隔 + 転送時間」
#
# Azure に届いているものだけを使います。最後に完全に届いた状態よりあとに、サイトで書き込まれたものは失われます。どのくらい失われるかは、
# 災害がいつ起こるかによります。
# %% [markdown] lang="en" rules="1.1-4, 3.1-1"
# ## An experiment: when does it strike?
#
# A copy of the lab is a world of its own. In six of them the site is lost, each time a minute later, and `MYWSV01` is failed over.
# `rpo` is the time between the state that was recovered and the disaster; about six orders a minute come in.
# %% [markdown] lang="ja"
# ## 実験: いつ起こるか
#
# ラボのコピーは、独立した世界です。6 つのコピーで、1 分ずつずらしてサイトを失い、`MYWSV01` をフェールオーバーします。`rpo` は、復旧した状態の
# 時刻から災害までの秒数です。注文は 1 分間に約 6 件入ります。
# %%
def disaster_after(seconds):
    with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
        what_if.run(f"{seconds}s")
        what_if.faults.lose_site()
        what_if.vault.unplanned_failover("MYWSV01", wait=True)
        return what_if.vault.failovers[-1]


found = {seconds: disaster_after(seconds) for seconds in range(30, 331, 60)}
for seconds, lost in found.items():
    print(f"{seconds:3} s   rpo {lost.rpo:3.0f} s   orders lost {lost.orders:2}   {'#' * round(lost.rpo / 10)}")
# %% [markdown] lang="en"
# A saw: the loss grows second by second, and falls when the next cycle has arrived. At 5 minutes it reaches at most some 300
# seconds and what the transfer of one cycle takes, as long as replication keeps up. The frequency is the height of the saw's teeth;
# luck is the place where you are on it.
# %% [markdown] lang="ja"
# のこぎりの歯のような形になります。失われる量は 1 秒ごとに増え、次のサイクルが届くと減ります。レプリケーションが追いついていれば、5 分間隔では、
# 最大でも約 300 秒と 1 サイクルの転送時間です。コピーの頻度は歯の高さを決め、どの位置に当たるかは運しだいです。
# %% [markdown] lang="en"
# ## Step 1: the disaster
#
# **In the portal** (`portal.open(lab, "lab", "faults")` in a cell of your own): *Lose the site*. Let ten minutes pass, in which everybody runs about
# and somebody decides, then go to *Dashboard* > *Declare a disaster*: it does nothing but note the hour, so that deciding and recovering can be told apart.
# %% [markdown] lang="ja"
# ## 手順 1: 災害
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "lab", "faults")` を実行し、[サイトの喪失] をクリックします。みんなが走り回り、誰かが決断するまでの
# 10 分間を進めてから、[ダッシュボード] の [災害の宣言] をクリックします。
# 宣言しても時刻が記録されるだけです。決断にかかった時間と、復旧にかかった時間を分けるためのものです。
# %%
if course.todo("disaster"):
    lab.faults.lose_site()
    lab.run("10min")
    lab.vault.declare_disaster("Power is out, the utility says until tomorrow.")
course.check("disaster")
# %% [markdown] lang="en" rules="3.1-1"
# Could you not do it as planned, without loss? Try. The job begins, and fails at its first task: it would need the site.
# %% [markdown] lang="ja"
# 計画されたフェールオーバーなら、何も失わないのではないでしょうか。試してみましょう。ジョブは始まりますが、最初のタスクで失敗します。
# サイトが必要だからです。
# %%
try:
    lab.vault.planned_failover("MYWSV01", wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en" rules="3.5-1, 3.5-2, 3.1-2"
# ## Step 2: fail over
#
# **In the portal:** choose `MYWSV01`, then *Unplanned failover*. The dialog has the option *Shut down virtual machines and
# synchronize the latest data*, off in this lab: it tries to reach the site, and if that fails the failover goes on all the same. (In
# a cloud with encryption it takes the certificate, too.)
#
# **In code:** the next cell; ten minutes, and Windows has started.
# %% [markdown] lang="ja"
# ## 手順 2: フェールオーバーする
#
# **ポータルで:** `MYWSV01` を選び、[計画されていないフェールオーバー] をクリックします。ダイアログには
# [仮想マシンをシャットダウンし、最新のデータを同期する] オプションがあります (このラボの既定値はオフです)。オンにするとサイトとの通信を試み、失敗した場合でも
# フェールオーバーは続きます (暗号化を有効にしたクラウドでは、証明書も指定します)。
#
# **コードで:** 次のセルを実行します。10 分進めると、Windows が起動します。
# %%
if course.todo("unplanned-failover-done"):
    lab.vault.unplanned_failover("MYWSV01", wait=True)
    lab.run("10min")
course.check("unplanned-failover-done")
# %%
job = [job for job in lab.jobs.values() if job.scenario == "UnplannedFailover"][-1]
for task in job.tasks:
    print(task.started[11:19], f"{task.state:10}", task.title)
# %% [markdown] lang="en"
# Two tasks were skipped: those that need the site. The VM runs in Azure and waits for its commit, as after a planned failover.
#
# How many orders were lost?
# %% [markdown] lang="ja"
# 2 つのタスクがスキップされました (`Skipped`)。サイトが必要なタスクです。仮想マシンは Azure で動き、計画されたフェールオーバーのあとと同じように、
# 「コミット待機中」になっています。
#
# 注文は何件失われたでしょうか。
# %%
views.failovers(lab)[["vm", "operation", "point", "rpo", "orders", "bytes"]].tail(1)
# %%
# course.answer("orders-lost", ...)
# %%
course.solve("orders-lost")
# %% [markdown] lang="en" rules="1.1-3, 1.1-4"
# And was it good enough? The targets of `MYWSV01` beside what was achieved, in minutes: from your click to the answer of the
# application (RTO), the data lost (RPO), and the whole time without the shop, deciding included (MTD).
# %% [markdown] lang="ja"
# 目標は守れたでしょうか。`MYWSV01` の目標と実績です (単位は分)。操作を始めてからアプリケーションが応答するまでの時間 (RTO)、失われたデータ (RPO)、
# 決断の時間を含めて店が止まっていた時間 (MTD) が並んでいます。
# %%
for row in lab.vault.objectives:
    if row.operation == "UnplannedFailover":
        print(f"{row.objective.upper()}  {row.target / 60000:5.0f}  {row.achieved / 60000:5.1f}  {row.verdict}")
# %% [markdown] lang="en" rules="3.5-2, 3.4-2"
# ## Step 3: choose, and commit
#
# As in 3.4, an earlier recovery point can be chosen until the commit. Look into the last four: what would each cost?
# %% [markdown] lang="ja"
# ## 手順 3: 選んで、コミットする
#
# 3.4 と同じように、コミットするまでは前の復旧ポイントを選べます。最後の 4 つの中身を見てみましょう。それぞれ、何件の注文が失われるでしょうか。
# %%
contents = [lab.vault.look_into("MYWSV01", point.id) for point in lab.vault.items["MYWSV01"].recovery_points[-4:]]
for seen in contents:
    print(f"{seen.time[11:19]}  {seen.kind}  {seen.lost_orders:3}")
# %% [markdown] lang="en"
# Nothing speaks against the newest one. **In the portal:** *Commit*.
# %% [markdown] lang="ja"
# 最新のもので問題はなさそうです。**ポータルで:** [コミット] をクリックします。
# %%
if course.todo("commit-unplanned"):
    lab.vault.commit("MYWSV01", wait=True)
course.check("commit-unplanned")
# %%
portal.site_map(lab)
# %% [markdown] lang="en"
# ## Step 4: the power is back
#
# **In the portal:** *Lab* > *Faults* > *Bring the site back*, and a quarter of an hour for servers and VMs to come up.
# %% [markdown] lang="ja"
# ## 手順 4: 電力が戻る
#
# **ポータルで:** [ラボ] > [障害] > [サイトの復旧] をクリックし、サーバーと仮想マシンが起動するまで 15 分進めます。
# %%
if course.todo("power-back"):
    lab.faults.restore_site()
    lab.run("15min")
course.check("power-back")
# %%
views.replication(lab)[["vm", "state", "health"]]
# %% [markdown] lang="en"
# `MYWSV01` stays in Azure, switched off at the site; the way back is 3.6. `MYBSD01` has been at the site all the time, and its host
# has crashed: what it had noted of its changes cannot be trusted. Both sides have to be compared, block by block, and what differs is
# sent. **In the portal:** *Protected Items* > *OnPremise Cloud*, choose `MYBSD01`, *Resynchronize*. The job only begins it: let about 20 minutes pass, until *Site* > *Hyper-V* says of `MYBSD01` *Replicating*.
# %% [markdown] lang="ja"
# `MYWSV01` は Azure で動いたままで、サイトでは停止しています。戻すのは 3.6 です。`MYBSD01` はずっとサイトにありましたが、ホストが突然停止したので、
# 変更の記録を信用できません (`resync-required`: 再同期が必要)。両側をブロックごとに比べて、違う部分を送る必要があります。
# **ポータルで:** [保護された項目] > [OnPremise Cloud] で `MYBSD01` を選び、[再同期] をクリックします。ジョブは再同期を始めるだけです。[サイト] > [Hyper-V] で `MYBSD01` が
# 「レプリケート中」になるまで、20 分ほど進めてください。
# %%
if course.todo("resynchronise"):
    lab.vault.resynchronise("MYBSD01", wait=True)
    lab.wait(lab.vault.items["MYBSD01"])
course.check("resynchronise")
# %% [markdown] lang="en" rules="3.5-3"
# ## Something to break
#
# After a planned failover Hyper-V held the VM at the site. After an unplanned one it does not: nobody was there to be told. A
# helpful colleague comes to work, sees that `MYWSV01` is off, and starts it.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# 計画されたフェールオーバーのあとは、Hyper-V がサイトの仮想マシンの起動をブロックしました。計画されていないフェールオーバーのあとは、ブロックされません。
# 知らせる相手がいなかったからです。出勤した親切な同僚が、`MYWSV01` が停止しているのに気づいて、起動します。
# %%
course.trouble("twin")
# %%
answer = lab.reach("site", "MYWSV01", 3389)
print(" > ".join(answer.path), answer.conflict)
print(lab.azure.machine("MYWSV01").conflict)
# %% [markdown] lang="en"
# Two machines stand under one name. DNS has the one that started last, so the office now works with the machine at the site,
# and its customers with whichever they happen to reach. The portal shows *Duplicate name* on the VM's page in Azure. What becomes
# of the orders taken at the site? In a copy of the lab, fail back at once:
# %% [markdown] lang="ja"
# 同じ名前のコンピューターが 2 台あります。DNS には、あとから起動したほうが登録されているので、社内の人はサイトの仮想マシンで仕事を始めてしまいました。
# ポータルでは、Azure の仮想マシンのページに [名前の重複] と表示されます。サイトで受け付けた注文は、どうなるのでしょうか。ラボのコピーで、
# すぐにフェールバックしてみます。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.vault.failback("MYWSV01", synchronise="during", wait=True)
    back = what_if.vault.failovers[-1]
back.operation, back.discarded
# %% [markdown] lang="en"
# The number (`discarded`) counts them, and all of them are gone: failback writes Azure's data over the site's. Every minute makes it worse.
#
# **Your turn.** Put an end to it.
# %% [markdown] lang="ja"
# 数字 (`discarded`) は、その注文の件数です。すべて失われます。フェールバックでは、Azure のデータがサイトのデータを上書きするからです。時間がたつほど、失われる注文は増えます。
#
# **やってみましょう。** この状態を終わらせてください。
# %%
# ...
# %%
course.check("twin")
# %%
course.hint("twin")
# %%
course.solve("twin")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Unplanned needs nothing of the site, and takes what has arrived: the loss is what was written since, up to the interval and the
#   transfer of one cycle, more when replication lags.
# - *Shut down virtual machines and synchronize the latest data* is worth a try where part of the site still answers.
# - Until the commit you may choose another recovery point; look into it first.
# - Nothing holds the VM at the site. Started there, it stands twice under one name, and its work is lost at failback.
# - What stayed at a site that crashed has to be resynchronised.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 計画されていないフェールオーバーは、サイトに何も要求せず、届いているデータを使います。失われるのは、そのあとに書き込まれた分です。最大で
#   「間隔 + 1 サイクルの転送時間」で、レプリケーションが遅れていればもっと増えます。
# - サイトの一部が応答するなら、[仮想マシンをシャットダウンし、最新のデータを同期する] を試す価値があります。
# - コミットするまでは、別の復旧ポイントを選べます。選ぶ前に中身を見ましょう。
# - サイトの仮想マシンの起動はブロックされません。起動すると名前が重複し、そこでの変更内容はフェールバックで失われます。
# - 突然停止したサイトに残っていた仮想マシンは、再同期が必要です。
# %%
course.progress()
