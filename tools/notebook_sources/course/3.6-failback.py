# %% [markdown] lang="en"
# # 3.6 Failback
#
# *In the guide: STEP 3, 3.6 フェールバック. About 15 minutes.*
#
# Azure has carried the shop through the bad days. Now everybody wants to go home. You will
#
# - compare the two ways back, in copies of your lab: which is down for less, which sends less;
# - bring `MYWSV02` back by the one and `MYWSV01` by the other, and see Azure's VMs disappear;
# - find that a VM that has come home is not protected yet, and make it so;
# - lose the line once more, and see what heals by itself.
# %% [markdown] lang="ja"
# # 3.6 フェールバック
#
# *自習書: STEP 3「3.6 フェールバック」。所要時間は約 15 分です。*
#
# 大変な時期を、Azure が支えてくれました。そろそろ元のサイトに戻りましょう。このノートブックでは、次のことをします。
#
# - ラボのコピーで 2 つの戻し方を比べる。停止時間が短いのはどちらか、送る量が少ないのはどちらか。
# - `MYWSV02` と `MYWSV01` を別々の方法で戻し、Azure の仮想マシンが消えることを確かめる。
# - 戻ったばかりの仮想マシンは、まだフェールオーバーできないことを知り、できるようにする。
# - 回線をもう一度失い、何が自然に回復するかを見る。
# %% [markdown] lang="en"
# ## Where you begin
#
# `MYWSV01` and `MYWSV02` run in Azure, committed; the site is up again, with both of them switched off there.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# `MYWSV01` と `MYWSV02` は Azure で動いていて、コミット済みです。サイトは復旧し、2 台ともサイトでは停止しています。
# %%
import tempfile

import labkit
from labkit import course, portal, views

lab = course.start("failback")
views.items(lab)
# %% [markdown] lang="en" rules="3.6-1, 3.1-5"
# ## What a failback is
#
# A planned failover in the other direction: Microsoft Azure to the site, of a VM or of a plan. An unplanned one makes no sense now,
# and is greyed in the bar; the reason stands beside it:
# %% [markdown] lang="ja"
# ## フェールバックとは
#
# 逆方向の計画されたフェールオーバーです。方向は Microsoft Azure からサイトで、仮想マシンでも復旧計画でも実行できます。
# 計画されていないフェールオーバーは、今は意味がないので、バーではグレー表示です。その理由も表示されます。
# %%
print(lab.vault.items["MYWSV02"].refusal("UnplannedFailover"))
# %% [markdown] lang="en"
# And a failover has to be committed before there is a way back. In a copy of the lab, with `MYBSD01`:
# %% [markdown] lang="ja"
# また、フェールオーバーをコミットしていなければ、フェールバックはできません。ラボのコピーの中で、`MYBSD01` で試してみます。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.vault.planned_failover("MYBSD01", wait=True)
    try:
        what_if.vault.failback("MYBSD01")
    except labkit.LabError as refused:
        print(refused.message, refused.action)
# %% [markdown] lang="en" rules="3.6-2, F-9"
# ## An experiment: two ways back
#
# Only now replication is turned round: Azure sends to the site what has changed since the failover. The dialog asks when.
#
#     before    turn round, send | VM in Azure goes on working ... your word | stop, send the rest, start at the site
#     during                                                                 | stop, turn round, send all, start at the site
#                                                                            |<------------- nobody can work ------------->
#
# - *Synchronize data before failover (minimize downtime)*
# - *Synchronize data during failover only (minimize synchronization)*
#
# Measure it, in two copies of the lab. An hour of work has been done in Azure, and the line is a thin one of 10 Mbit/s. `sent` is what
# crosses the line to the site, `downtime` the time from the stop of the VM in Azure to the first answer at the site.
# %% [markdown] lang="ja"
# ## 実験: 2 つの戻し方
#
# レプリケーションは、ここで初めて反転します。フェールオーバーのあとに変わった分を、Azure がサイトに送ります。いつ送るかを、ダイアログで選びます。
#
#     前      反転、送信 | Azure の仮想マシンは動き続ける ... あなたの指示 | 停止、残りを送信、サイトで起動
#     中のみ                                                               | 停止、反転、すべてを送信、サイトで起動
#                                                                          |<------------ 誰も仕事ができない ------------>
#
# - **フェールオーバーの前にデータを同期する (ダウンタイムを最小限にする)**: `"before"`
# - **フェールオーバー中にのみデータを同期する (同期を最小限にする)**: `"during"`
#
# ラボの 2 つのコピーで測ってみましょう。Azure で 1 時間仕事をしたあとで、回線は 10 Mbit/s と細いものにします。`sent` は回線を通ってサイトに送られた量、
# `downtime` は Azure の仮想マシンが停止してから、サイトで最初に応答するまでの時間です。
# %%
def way_back(synchronise):
    with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
        what_if.faults.set_bandwidth("10Mbps")
        what_if.run("1h")
        job = what_if.vault.failback("MYWSV01", synchronise=synchronise, wait=True)
        if job.state == "Suspended":  # it waits for the word: ten minutes later we give it
            what_if.run("10min")
            what_if.wait(job.complete("Now."))
        what_if.run("10min")
        facts = list(what_if.facts)
    sent = sum(f["bytes"] for f in facts if f["entity"] == "failback/MYWSV01" and f["kind"] in ("initial.piece", "cycle"))
    stopped = [f["at"] for f in facts if (f["kind"], f["entity"]) == ("vm.stopped", "azure/MYWSV01")][-1]
    answered = [f["at"] for f in facts if (f["kind"], f["entity"]) == ("application.answers", "site/MYWSV01")][-1]
    return sent / 2**20, (answered - stopped) / 60000


found = {choice: way_back(choice) for choice in ("before", "during")}
for choice, (sent, downtime) in found.items():
    print(f"{choice}   sent {sent:4.0f} MB   downtime {downtime:4.1f} min")
# %% [markdown] lang="en"
# The first way is down for two and a half minutes, the second for twelve: all that has changed goes over the line while nobody works.
# But the second sends each changed block once, the first also what changes meanwhile. On a thick line there is little
# between them; the thinner it is, and the more has changed, the more the choice matters.
# %% [markdown] lang="ja"
# 1 つ目の方法は 2 分半、2 つ目は 12 分停止します。変わった分のすべてが、誰も仕事ができない間に送られるからです。その代わり、2 つ目の方法は、
# 変わったブロックを 1 回ずつしか送りません。1 つ目は、送っている間に変わった分も送ります。太い回線ではあまり差がありません。回線が細く、
# 変わった量が多いほど、選び方が大切になります。
# %% [markdown] lang="en" rules="3.6-1, 3.6-2, 3.6-3"
# ## Step 1: home with the shortest downtime
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): choose `MYWSV02`, *Failback* in the bar (in the guide: *Failover* > *Planned failover*; the dialog shows the other
# direction), *Synchronize data before failover (minimize downtime)*. The job stops (*Waiting for action*, at its task
# *Waiting for user input*), and the VM in Azure works on. At a good
# moment choose *Complete Failover*. Then *Commit*.
# %% [markdown] lang="ja"
# ## 手順 1: 停止時間を最小限にして戻す
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、`MYWSV02` を選んで、バーの [フェールバック] をクリックします (自習書の画面では [フェールオーバー] > [計画されたフェールオーバー] で、ダイアログの
# 方向が逆になります)。[フェールオーバーの前にデータを同期する (ダウンタイムを最小限にする)] を選びます。ジョブは「アクションを待機」になり (タスクは「ユーザー入力の待機中」)、
# その間も Azure の仮想マシンは動いています。都合のよいときに [フェールオーバーの実行] をクリックし、そのあと [コミット] をクリックします。
# %%
if course.todo("failback-before"):
    job = lab.vault.failback("MYWSV02", synchronise="before", wait=True)
    print(job.state, "|", lab.azure.machines["MYWSV02"].state)
    lab.wait(job.complete("Now: nobody works."))
    lab.vault.commit("MYWSV02", wait=True)
course.check("failback-before")
# %% [markdown] lang="en" rules="F-8, 3.6-3"
# ## Step 2: home with the least to send
#
# **Your turn.** Bring `MYWSV01` back with the other choice, and commit it. Before you commit, look at *Azure* > *Virtual Machines*:
# the VM is still there, switched off, and might be needed.
# %% [markdown] lang="ja"
# ## 手順 2: 送る量を最小限にして戻す
#
# **やってみましょう。** `MYWSV01` をもう一方の方法で戻し、コミットしてください。コミットする前に [Azure] > [仮想マシン] を見てください。
# 仮想マシンは、停止した状態でまだ残っています。
# %%
# ...
# %%
course.hint("failback-during")
# %%
course.solve("failback-during")
# %% [markdown] lang="en"
# Commit has deleted what the failover made in Azure, without a word from you; nothing of it is charged any more. What remains is
# the domain controller, which is always on and has nothing to do with Site Recovery.
# %% [markdown] lang="ja"
# コミットすると、フェールオーバーで作られた Azure の仮想マシンは自動的に削除され、課金の対象ではなくなります。残っているのはドメイン コントローラーだけです。
# これは常に動いているもので、Site Recovery とは関係ありません。
# %%
list(lab.azure.machines)
# %% [markdown] lang="en" rules="3.6-4, 3.6-5"
# ## Step 3: protected again?
#
# Both work at the site. Could the next disaster come?
# %% [markdown] lang="ja"
# ## 手順 3: もう保護されているか
#
# 2 台ともサイトで動いています。次の災害が来ても大丈夫でしょうか。
# %%
print(views.items(lab).to_string(index=False))
try:
    lab.vault.unplanned_failover("MYWSV01")
except labkit.LabError as refused:
    print()
    print(refused)
# %% [markdown] lang="en"
# No. Two things are missing:
#
# - your click on *Reverse replicate*, which ends the wait. (Replication has long been running towards Azure again, click or no click.)
# - the **initial replication**: it starts anew after every failback, and until it is through there is no failover.
#
# **In the portal:** choose the VM, *Reverse replicate*; then wait for `Ready`.
# %% [markdown] lang="ja"
# まだです。足りないものが 2 つあります。
#
# - [レプリケーションの反転] のクリック。待機中の状態を解消します (レプリケーションの向きは、クリックする前から、すでに Azure 方向に戻っています)。
# - **初期レプリケーション**。フェールバックのたびに最初からやり直しになり、終わるまでフェールオーバーはできません。
#
# **ポータルで:** 仮想マシンを選び、[レプリケーションの反転] をクリックします。そのあと「準備完了」になるまで待ちます。
# %%
if course.todo("reverse-replication"):
    for vm in ("MYWSV01", "MYWSV02"):
        if "ReverseReplicate" in lab.vault.items[vm].allowed_operations:
            lab.vault.reverse_replication(vm, wait=True)
            print(views.items(lab).to_string(index=False))
    for vm in ("MYWSV01", "MYWSV02"):
        lab.wait(lab.vault.items[vm])
course.check("reverse-replication")
# %% [markdown] lang="en" rules="3.6-5"
# The first table was made between the two clicks: `MYWSV01` has been clicked and still copies, `MYWSV02` waits for its click. Now
# compare with the very first time. Each line is one initial replication of a VM: what was sent, and for how long.
# %% [markdown] lang="ja"
# 1 つ目の表は、2 回のクリックの間のものです。`MYWSV01` はクリック済みでまだコピー中、`MYWSV02` はクリックを待っています。最初のときと比べてみましょう。
# 1 行が、仮想マシンの初期レプリケーション 1 回で、送られた量と、かかった時間です。
# %%
begun = {}
for event in lab.site.event_log():
    if event.kind == "initial.started":
        begun[event.vm] = event
    elif event.kind == "initial.ended" and not event.vm.startswith("failback/"):
        first = begun[event.vm]
        print(f"{event.vm}   {first.details['bytes'] / 2**20:6,.0f} MB   {(event.at - first.at) / 60000:4.1f} min")
# %% [markdown] lang="en"
# `MYWSV01` and `MYWSV02` are sent whole once more, as if Azure had never known them. It was quicker only because the line is theirs alone now;
# the first time three had to share it. With the disks of a real company it is hours or days, and these are days without a net.
# %% [markdown] lang="ja"
# `MYWSV01` と `MYWSV02` は、Azure に一度もなかったかのように、もう一度丸ごと送られました。最初より短いのは、回線の使い方が違うからです。
# 最初は 3 台で回線を分け合っていました。実際の会社のディスクなら数時間から数日かかり、その間は備えのない日々になります。
# %% [markdown] lang="en"
# ## Something to break
#
# The power is back for good; now an excavator finds the line to Azure.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# 電力はもう安定しています。今度は、ショベルカーが Azure への通信回線を切ってしまいました。
# %%
course.trouble("line-lost-again")
# %%
course.check("line-lost-again")
# %%
view = portal.watch(lab)
await view.play("20min", speed=600)
# %%
views.replication(lab)[["vm", "state", "health"]]
# %% [markdown] lang="en"
# **Your turn.** Bring the line back, and let time pass until all three are healthy. Do you have to do anything about the VMs?
# %% [markdown] lang="ja"
# **やってみましょう。** 回線を元に戻し、3 台とも正常になるまで時間を進めてください。仮想マシンには、何か操作が必要でしょうか。
# %%
# ...
# %%
course.hint("line-lost-again")
# %%
course.solve("line-lost-again")
# %% [markdown] lang="en"
# Nothing: replication tries again by itself, and sends what has piled up. That is the difference between a lost line and a crashed host
# (3.5).
# %% [markdown] lang="ja"
# 何も必要ありません。レプリケーションは自動的に再試行され、たまった変更が送られます。回線の切断とホストの突然の停止 (3.5) は、ここが違います。
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Failback is a planned failover in the other direction, after the commit. Only in it replication turns round.
# - *Before*: short downtime, waits for your word. *During*: each changed block once, and a long stop on a thin line.
# - Commit deletes the VM in Azure, and with it the cost.
# - Ready for the next failover: *Reverse replicate*, **and** the initial replication is through.
# %% [markdown] lang="ja"
# ## まとめ
#
# - フェールバックは、コミットのあとに実行する、逆方向の計画されたフェールオーバーです。レプリケーションは、このとき初めて反転します。
# - **前に同期する**: 停止時間が短く、あなたの指示を待ちます。**中にのみ同期する**: 変わったブロックを 1 回ずつ送りますが、細い回線では停止時間が長くなります。
# - コミットすると Azure の仮想マシンは削除され、料金もかからなくなります。
# - 次のフェールオーバーの準備完了には、[レプリケーションの反転] と、初期レプリケーションの完了の**両方**が必要です。
# %%
course.progress()
