# %% [markdown] lang="en"
# # 3.4 Planned failover
#
# *In the guide: STEP 3, 3.4 計画されたフェールオーバー. About 12 minutes.*
#
# The electricians are coming: on Sunday the server room will be without power for a day. This time you know it beforehand, so
# nothing has to be lost. You will
#
# - move `MYWSV02` to Azure while the site still runs, and see what the job does, task by task;
# - count what was lost;
# - start the VM from another recovery point while there is still time to choose, and go back to the newest one;
# - commit, and look at both sides of the VM;
# - try to start it at the site, where it is held;
# - find out why nobody reaches a VM that runs.
# %% [markdown] lang="ja"
# # 3.4 計画されたフェールオーバー
#
# *自習書: STEP 3「3.4 計画されたフェールオーバー」。所要時間は約 12 分です。*
#
# 日曜日に電源工事があり、サーバー室は丸一日停電します。今回は前もってわかっているので、何も失わずに済みます。このノートブックでは、
# 次のことをします。
#
# - サイトが動いているうちに `MYWSV02` を Azure に移し、ジョブの動きをタスクごとに見る。
# - 失われた量を数える。
# - まだ選べるうちに、別の復旧ポイントから仮想マシンを起動し、最新のものに戻す。
# - コミットし、仮想マシンの両側を見る。
# - サイトで起動しようとして、ブロックされることを確かめる。
# - 動いている仮想マシンに誰も接続できない理由を見つける。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected, the tests of 3.3 are completed. The line and the servers are up: a planned failover needs them. The VPN is up, too; the
# users will need it afterwards.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンが保護され、3.3 のテストは完了しています。回線も VPN もサーバーも動いています。計画されたフェールオーバーには、
# そのすべてが必要です。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("planned-failover")
# %% [markdown] lang="en" rules="3.4-1, 3.1-1"
# ## What a planned failover is
#
#     1  shut down MYWSV02 at the site        nothing is written any more
#     2  send what is not yet in Azure        the replica is now equal to the disk
#     3  make the VM in Azure, on the network that is mapped, and start it
#     4  wait: "Commit pending"               another recovery point may still be chosen
#     5  commit                               final
#
# The order is the whole secret. Since the VM is shut down *before* the rest is sent, there is nothing that could be lost: the
# RPO is zero. The price is that VMM and the host have to answer, and that the VM is away while all this happens. Once it is done,
# the whole site may go down until the way back (3.6).
# %% [markdown] lang="ja"
# ## 計画されたフェールオーバーとは
#
#     1  サイトの MYWSV02 をシャットダウンする    もう何も書き込まれない
#     2  まだ Azure にない分を送る                レプリカがディスクと等しくなる
#     3  マップ済みのネットワークに Azure の仮想マシンを作り、起動する
#     4  「コミット待機中」で待つ                 まだ別の復旧ポイントを選べる
#     5  コミットする                             確定
#
# 大切なのは順番です。残りを送る**前に**シャットダウンするので、失われるものがありません。RPO は 0 です。その代わり、VMM とホストが
# 応答する必要があり、処理の間は仮想マシンを使えません。終わったあとは、フェールバック (3.6) までサイト全体が停止していてもかまいません。
# %% [markdown] lang="en" rules="3.4-1, 3.1-5"
# ## Step 1: fail over
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): on *Virtual Machines* choose `MYWSV02`, then *Planned failover* in the
# bar at the foot of the page (in the guide it stands under *Failover*). You need not shut the VM down before. In a cloud with
# encryption the dialog takes the certificate, too.
#
# **In code:** the next cell. Five minutes more, and Windows has started in Azure.
# %% [markdown] lang="ja"
# ## 手順 1: フェールオーバーする
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、[仮想マシン] で `MYWSV02` を選び、ページの下のバーの
# [計画されたフェールオーバー] をクリックします (自習書の画面では [フェールオーバー] の中にあります)。仮想マシンを先にシャットダウンしておく必要はありません。
# 暗号化を有効にしたクラウドでは、ダイアログで証明書も指定します。
#
# **コードで:** 次のセルを実行します。さらに 5 分進めると、Azure で Windows が起動します。
# %%
if course.todo("planned-failover-done"):
    lab.vault.planned_failover("MYWSV02", wait=True)
    lab.run("5min")
# %%
course.check("planned-failover-done")
# %% [markdown] lang="en"
# The tasks of the job, with the time of day at which each began. Compare them with the five lines above.
# %% [markdown] lang="ja"
# ジョブのタスクと、それぞれが始まった時刻です。上の 5 行と見比べてください。
# %%
job = next(job for job in lab.jobs.values() if job.scenario == "PlannedFailover")
for task in job.tasks:
    print(task.started[11:19], task.title)
# %% [markdown] lang="en" rules="1.1-4, 3.4-1"
# ## Step 2: what was lost?
#
# In an emergency some minutes are lost, namely what was written since the last cycle. And now? The lab has compared the disk at
# the site with the disk in Azure, byte by byte: `equal` says that what started is the site's disk as of its recovery point. Compare with the test failover of 3.3, which left the site running: `rpo` is in
# seconds.
# %% [markdown] lang="ja"
# ## 手順 2: 何が失われたか
#
# 非常時には、最後のサイクルのあとに書き込まれた数分間の変更が失われます。では、今回はどうでしょうか。ラボは、サイトのディスクと
# Azure のディスクを 1 バイトずつ比べました (`equal` は、起動したディスクが復旧ポイントの時点のサイトのディスクと一致するという意味です)。サイトを動かしたままだった 3.3 のテスト フェールオーバーと比べてください。`rpo` の単位は秒です。
# %%
views.failovers(lab)[["vm", "operation", "rpo", "blocks", "bytes", "equal"]]
# %% [markdown] lang="en"
# How many bytes of `MYWSV02` were lost? Put your answer in the place of the dots, and take the `#` away.
# %% [markdown] lang="ja"
# `MYWSV02` では、何バイトが失われたでしょうか。点の部分に答えを書き、`#` を消してください。
# %%
# course.answer("planned-loss", ...)
# %%
course.solve("planned-loss")
# %% [markdown] lang="en" rules="3.4-2, 3.1-2"
# ## Step 3: choose, then commit
#
# Until the commit the recovery points are still there. Suppose somebody has found out that a virus came in at eleven o'clock: you
# would want the VM as it was before. *Change recovery point* (or the page of the VM, where the points can be picked in a chart)
# shuts the VM in Azure down and starts it again from the other point. Look before you choose:
# %% [markdown] lang="ja"
# ## 手順 3: 選んで、コミットする
#
# コミットするまでは、復旧ポイントが残っています。たとえば、11 時にウイルスが入ったことがわかったとします。その前の仮想マシンがほしいはずです。
# [復旧ポイントの変更] (または、グラフで復旧ポイントを選べる仮想マシンのページ) を使うと、Azure の仮想マシンがシャットダウンされ、
# 別のポイントから起動し直します。選ぶ前に、中身を見てみましょう。
# %%
points = lab.vault.items["MYWSV02"].recovery_points[-7::6]  # the seventh from the end, and the newest
contents = [lab.vault.look_into("MYWSV02", point.id) for point in points]
for seen in contents:
    print(f"{seen.time[11:19]}  {seen.kind}  {seen.lost_bytes / 2**20:6.1f} MB")
# %% [markdown] lang="en"
# The last one is the point that the planned failover itself made, after the shut-down: choosing it loses nothing. The other one
# loses almost half an hour of writing. Try it, and go back: as long as nothing is committed, you can do both.
# %% [markdown] lang="ja"
# 最後のものは、計画されたフェールオーバー自身がシャットダウンのあとに作ったポイントで、選んでも何も失われません。もう一方を選ぶと、30 分近くの
# 書き込みが失われます。試して、戻ってみましょう。コミットするまでは、どちらもできます。
# %%
for point in points:
    if "ChangePit" in lab.vault.items["MYWSV02"].allowed_operations:
        lab.vault.change_recovery_point("MYWSV02", point.id, wait=True)
lab.run("5min")
views.failovers(lab)[["vm", "operation", "point", "bytes"]].tail(3)
# %% [markdown] lang="en"
# Now make it final. **In the portal:** *Commit* in the bar. From then on the points are merged into the disk, and none can be
# chosen any more.
# %% [markdown] lang="ja"
# では、確定させます。**ポータルで:** バーの [コミット] をクリックします。コミットすると、復旧ポイントはすべてディスクにマージされ、もう選べません。
# %%
if course.todo("commit-planned"):
    lab.vault.commit("MYWSV02", wait=True)
len(lab.vault.items["MYWSV02"].recovery_points)
# %%
course.check("commit-planned")
# %% [markdown] lang="en" rules="3.4-3, 2.8-3"
# ## Both sides
#
# The list of *Virtual Machines* in the cloud says where each VM is active. `Ready` now means: ready to come back.
# %% [markdown] lang="ja"
# ## 両側を見る
#
# クラウドの [仮想マシン] の一覧には、それぞれの仮想マシンがどこでアクティブかが表示されます。ここでの `準備完了` は、戻る準備ができているという意味です。
# %%
views.items(lab)
# %% [markdown] lang="en"
# The page of `MYWSV02` (click its name in the list) sets site and Azure side by side:
# %% [markdown] lang="ja"
# `MYWSV02` のページ (一覧で名前をクリック) には、サイトと Azure が並んで表示されます。
# %%
sides = lab.vault.items["MYWSV02"].properties
for field in sides["site"]._fields:
    print(f"{field:8} {getattr(sides['site'], field):26} {getattr(sides['azure'], field)}")
# %% [markdown] lang="en" rules="3.4-5, 3.1-3"
# **In the portal:** *Azure* > *Virtual Machines* > `MYWSV02` is the VM's own page. Its DNS name has no `-test`, and the network
# has given it an internal address.
# %% [markdown] lang="ja"
# **ポータルで:** [Azure] > [仮想マシン] > `MYWSV02` が、この仮想マシン自身のページです。DNS 名に `-test` は付きません。内部 IP アドレスは、
# 仮想ネットワークが割り当てました。
# %%
page = lab.azure.machine("MYWSV02")
for field in ("state", "dns_name", "host_name", "vip", "internal_address", "size", "thumbprint", "location"):
    print(f"{field:17} {getattr(page, field)}")
# %% [markdown] lang="en"
# For the users nothing has changed: they use the same name, DNS gives the new address, and the way leads through the VPN. No
# endpoint is needed. From the internet the VM cannot be reached: nobody has made an endpoint there.
# %% [markdown] lang="ja"
# 利用者にとっては、何も変わっていません。同じ名前を使うと、DNS が新しいアドレスを返し、VPN を通って届きます。エンドポイントは要りません。
# インターネットからは接続できません。エンドポイントを誰も作っていないからです。
# %%
reached = lab.reach("site", "MYWSV02", 3389)
print(" > ".join(reached.path), reached.address)
print(lab.azure.machine("MYWSV02").endpoints)
# %% [markdown] lang="en"
# The site map draws both sides, and who reaches whom. (In the portal it is the page *Site map*.)
# %% [markdown] lang="ja"
# サイト マップには、両側と、誰がどこに届くかが描かれます (ポータルでは [サイト マップ] のページ)。
# %%
portal.site_map(lab)
# %% [markdown] lang="en" rules="3.4-4, F-9"
# ## And at the site?
#
# The power is off for a day; somebody switches everything on again and wants to start `MYWSV02`, too. Two machines of one name
# would be the consequence, and two truths. So Hyper-V holds it, and VMM's list shows the VM stopped, with *Failed* as its last job.
# %% [markdown] lang="ja"
# ## では、サイトの側は
#
# 停電が終わり、誰かがすべての電源を入れ直して、`MYWSV02` も起動しようとします。もし起動できれば、同じ名前のコンピューターが 2 台になり、
# データも二通りになってしまいます。そのため、Hyper-V は起動をブロックします。VMM の一覧では、仮想マシンは停止済み (`Off`) で、最後のジョブは「失敗」(`Failed`) になります。
# %%
try:
    lab.site.start("MYWSV02")
except labkit.LabError as refused:
    print(refused)
vmm = lab.site.vmm.vms["MYWSV02"]
print(vmm.name, vmm.state, vmm.status)
# %% [markdown] lang="en"
# One thing surprises many people. In Hyper-V Manager (*Site* > *Hyper-V*, choose `MYWSV02`) the host is *still* the primary server, and Microsoft
# Azure the replica server. A failover to Azure does not turn replication round. That is done later, as part of the failback.
# Until then nothing is replicated, in neither direction: the state is `stopped`.
# %% [markdown] lang="ja"
# 多くの人が驚くことが 1 つあります。Hyper-V マネージャー ([サイト] > [Hyper-V] で `MYWSV02` を選択) では、フェールオーバーしたあとも、ホストが**プライマリのまま**で、
# レプリカ サーバーは Microsoft Azure です。Azure へのフェールオーバーでは、レプリケーションの反転は行われません。反転は、フェールバックの処理の一部として
# 行われます。それまでは、どちらの方向にもレプリケートされません。状態は `stopped` (停止) です。
# %%
replica = lab.site.replication("MYWSV02")
print(replica.primary_server, ">", replica.replica_server, replica.state)
# %% [markdown] lang="en" rules="3.1-3"
# ## Something to break
#
# Run the next cell. The shop sells, the names of all VMs are found, replication is healthy. And yet something is broken, and will
# be felt at the next failover.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# 次のセルを実行してください。店は営業を続け、すべての仮想マシンの名前が見つかり、レプリケーションも正常です。それでも何かが壊れていて、
# 次のフェールオーバーのときに困ることになります。
# %%
course.trouble("stale-names")
# %% [markdown] lang="en"
# Try the next failover beforehand, in a *copy* of the lab: what happens there does not happen in yours. Which link of the chain
# "name > DNS > VPN > VM" holds, and which does not?
# %% [markdown] lang="ja"
# 次のフェールオーバーを、ラボの**コピー**で先に試してみましょう。コピーの中で起こったことは、あなたのラボには影響しません。
# 「名前 > DNS > VPN > 仮想マシン」の鎖の、どこがつながっていて、どこが切れているでしょうか。
# %%
import tempfile

with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.vault.planned_failover("MYBSD01", wait=True)
    what_if.run("5min")
    print(what_if.reach("site", "MYBSD01", 22).words)
    print(what_if.reach("site", "azure:MYBSD01", 22).reached, what_if.azure.machine("MYBSD01").internal_address)
# %%
course.check("stale-names")
# %% [markdown] lang="en"
# `MYBSD01` would run in Azure and answer at its address there, and nobody would find it: the name still leads to the site. It is
# the commonest call after a failover, "it runs, and nobody gets in".
#
# **Your turn.** Mend it. *Lab* > *Faults* in the portal, `lab.faults` in code.
# %% [markdown] lang="ja"
# `MYBSD01` は Azure で動き、そのアドレスでは応答します。しかし、名前は今もサイトのアドレスを指しているので、誰にも見つけられません。
# 「動いているのに、誰も入れない」。フェールオーバーのあとに最も多い問い合わせです。
#
# **やってみましょう。** 直してください。ポータルでは [ラボ] > [障害]、コードでは `lab.faults` です。
# %%
# ...
# %%
course.hint("stale-names")
# %%
course.solve("stale-names")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Planned: shut down, send the rest, start. Nothing is lost, and site and VMM have to answer.
# - Until the commit you may choose another recovery point; each choice starts the Azure VM again.
# - Commit merges the points. The VM is then active in Azure, *Protected - OK* and *Ready* for the way back.
# - The VM at the site is held. Replication stays as it was: it is turned round in the failback.
# - Users take the same name as ever; DNS and VPN do the rest, and have to work.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 計画されたフェールオーバーは、シャットダウンし、残りを送り、起動します。何も失われませんが、サイトと VMM が応答する必要があります。
# - コミットするまでは、別の復旧ポイントを選べます。選ぶたびに、Azure の仮想マシンは起動し直します。
# - コミットすると、復旧ポイントはマージされます。仮想マシンは Azure でアクティブになり、「保護済み - OK」「準備完了」と表示されます。
# - サイトの仮想マシンの起動はブロックされます。レプリケーションの反転は、フェールバックのときに行われます。
# - 利用者は、今までと同じ名前を使います。あとは DNS と VPN の仕事です。どちらも動いている必要があります。
# %%
course.progress()
