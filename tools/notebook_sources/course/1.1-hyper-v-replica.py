# %% [markdown] lang="en" rules="1.1-8"
# # 1.1 Hyper-V Replica and Site Recovery
#
# *In the guide: STEP 1, 1.1 Hyper-V レプリカと Azure Site Recovery. About 12 minutes.*
#
# **STEP 1, an overview of the service.** When you are through with 1.1 to 1.4 you can
#
# - say what Hyper-V Replica does by itself, and what Site Recovery adds (1.1);
# - tell the two deployments apart, site to site and site to Azure (1.2);
# - work out what a protected site costs (1.3);
# - decide which of your VMs can be protected to Azure as they are, and what is to be done about the others (1.4).
#
# In this notebook you will
#
# - **measure** how the replication frequency becomes data that is lost;
# - replicate a VM from one site to another with nothing but two Hyper-V hosts, lose the line between them, and mend it;
# - fail the VM over, count the orders that are gone, turn replication round, and come home without losing any;
# - see what VMM cannot do here, and which of the two recovery services is for what.
# %% [markdown] lang="ja"
# # 1.1 Hyper-V レプリカと Azure Site Recovery
#
# *自習書: STEP 1「1.1 Hyper-V レプリカと Azure Site Recovery」。所要時間は約 12 分です。*
#
# **STEP 1 の目標 (サービスの概要)。** 1.1 から 1.4 までを終えると、次のことができるようになります。
#
# - Hyper-V レプリカだけでできることと、Azure Site Recovery が加えることを説明できる (1.1)。
# - オンプレミスからオンプレミス、オンプレミスから Azure という 2 つの展開方法を区別できる (1.2)。
# - 保護にかかる料金を計算できる (1.3)。
# - 手元の仮想マシンのうち、そのまま Azure に対して保護できるものと、対処が必要なものを判断できる (1.4)。
#
# このノートブックでは、次のことをします。
#
# - レプリケーションの間隔が、失われるデータの量にどう表れるかを**測る**。
# - 2 台の Hyper-V ホストだけで仮想マシンを別のサイトへレプリケートし、サイト間の回線が切れたときに復旧させる。
# - フェールオーバーして失われた注文を数え、レプリケーションを反転し、今度は何も失わずに元のサイトへ戻る。
# - ここで VMM にできないことと、2 つの復旧サービスの使い分けを確かめる。
# %% [markdown] lang="en"
# ## Where you begin
#
# A company with two sites: `HV01` runs two VMs, `HV11` at the other site waits. Nothing is replicated yet, and Site Recovery
# is not in use: no VMM server is registered with a vault.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# サイトを 2 つ持つ会社です。`HV01` で 2 台の仮想マシンが動き、もう一方のサイトの `HV11` が待機しています。まだ何もレプリケートされておらず、
# Azure Site Recovery も使っていません。VMM サーバーは資格情報コンテナーに登録されていません。
# %%
import labkit
from labkit import course, portal, views
from labkit.views.timeline import timeline

lab = course.start("hyper-v-replica")
# %% [markdown] lang="en"
# The site map shows both sides. It is live: leave it open, and it follows what you do.
# %% [markdown] lang="ja"
# サイト マップには両方のサイトが表示されます。開いたままにしておくと、操作に合わせて変わっていきます。
# %%
portal.site_map(lab)
# %% [markdown] lang="en" rules="1.1-2, 1.1-3"
# ## What Hyper-V Replica is
#
#     first site                              second site
#     HV01                                    HV11
#     MYWSV01   --- initial copy, once --->   replica of MYWSV01  (off)
#     (runs)    --- changes, again and -->
#                   again, at an interval
#
# It is a part of Hyper-V since Windows Server 2012, between two hosts or two host clusters. It needs neither VMM nor Azure.
# The host keeps a log of every write to the VM's disks; at each interval the log is closed, sent, and applied to the replica.
# When the first site fails, the replica is started. From then on the roles are exchanged, and replication has to be **turned
# round**: by itself after a planned failover, by hand after an unplanned one. (To Azure, where an agent on the host sends the
# changes, it is turned round at failback only: 3.6.)
#
# ### Three figures of disaster recovery
#
#     last state             disaster                      application
#     received whole             |    decide   | click     answers again
#     -----|---------------------|-------------|---------------|-------->  time
#          |<------ RPO -------->|             |<---- RTO ---->|
#                                |<----------- MTD ----------->|
#
# - **Recovery Point Objective (RPO)**: the longest window of data whose loss you accept.
# - **Recovery Time Objective (RTO)**: the longest time an application may take to come back once you act.
# - **Maximum Tolerable Downtime (MTD)**: the longest stand-still the business can bear. Small RPO and RTO are what lets you
#   keep it.
#
# All three are targets that *you* set. Set them for `MYWSV01`: one minute, half an hour, four hours. After each failover the lab
# shows what was achieved beside them.
# %% [markdown] lang="ja"
# ## Hyper-V レプリカとは
#
#     HV01 (1 つ目のサイト)   MYWSV01 (実行中)
#       |
#       |   最初のコピー: 1 回
#       |   変更差分: 一定の間隔で、何度でも
#       v
#     HV11 (2 つ目のサイト)   MYWSV01 のレプリカ (停止)
#
# Windows Server 2012 から Hyper-V に標準で備わっている機能で、2 台のホスト、または 2 つのホスト クラスターの間で使います。VMM も Azure も
# 必要ありません。ホストは、仮想マシンのディスクへの書き込みをすべてログに記録し、一定の間隔でログを閉じて送り、レプリカに適用します。
# 1 つ目のサイトが使えなくなったら、レプリカを起動します。役割が入れ替わるので、レプリケーションの向きを**反転**する必要があります。
# 計画されたフェールオーバーのあとは自動で反転し、計画されていないフェールオーバーのあとは手動で反転します (エージェントを使ってホストから Azure へ
# レプリケートする場合は、フェールバックのときにだけ反転します。3.6 で扱います)。
#
# ### 災害復旧の 3 つの指標
#
#          A                B               C               D
#     -----|----------------|---------------|---------------|-------->  時間
#          |<---- RPO ----->|               |<---- RTO ---->|
#                           |<------------ MTD ------------>|
#
#     A: 最後に全部届いた時点   B: 災害   C: 判断のあと、操作を開始   D: アプリケーションが再び応答
#
# - **目標復旧時点 (RPO)**: 失われてもよいデータの、最大の時間幅。
# - **目標復旧時間 (RTO)**: 操作を始めてから、アプリケーションが復旧するまでに許される最大の時間。
# - **最大許容停止時間 (MTD)**: 事業が耐えられる停止時間の上限。RPO と RTO を小さくすることで、MTD を守れるようになります。
#
# どれも、*自分で*決める目標です。`MYWSV01` に、それぞれ 1 分、30 分、4 時間を設定します。フェールオーバーのたびに、目標と実績が並べて
# 表示されます。
# %%
lab.vault.set_objectives("MYWSV01", rpo="1min", rto="30min", mtd="4h")
# %% [markdown] lang="en" rules="1.1-1"
# ## An experiment: what does the frequency cost?
#
# Hosts on Windows Server 2012 R2 replicate every 30 seconds, every 5 minutes (the default) or every 15 minutes. Other intervals are
# refused:
# %% [markdown] lang="ja"
# ## 実験: レプリケーションの間隔で何が変わるか
#
# Windows Server 2012 R2 のホストでは、レプリケーションの間隔を 30 秒、5 分 (既定)、15 分から選びます。ほかの間隔は拒否されます。
# %%
try:
    lab.hyperv.enable("MYWSV01", frequency="1min")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en" rules="1.1-4"
# Now measure. For each interval the VM is replicated for half an hour, and every 29 seconds you ask: *if the site failed now,
# how old would the replica be?* The worst answer is the RPO that you can count on.
# %% [markdown] lang="ja"
# では、測ってみましょう。間隔ごとに 30 分間レプリケートし、29 秒おきに「今サイトが失われたら、レプリカは何秒前の状態か」を調べます。
# いちばん悪い値が、あてにできる RPO です。
# %%
for frequency in ("30s", "5min", "15min"):
    if "MYWSV01" in lab.hyperv.replicas:
        break
    lab.hyperv.enable("MYWSV01", frequency=frequency)
    lab.hyperv.wait("MYWSV01")
    lab.run("15min")
    ages = []
    for _ in range(62):
        lab.run("29s")
        ages.append(lab.hyperv.replicas["MYWSV01"].rpo)
    lab.hyperv.remove("MYWSV01")
    print(f"{frequency:>6}  {max(ages):4.0f} s  {'#' * round(max(ages) / 15)}")
# %% [markdown] lang="en"
# The age climbs from cycle to cycle and falls back to the second or so that the transfer took: the worst is about the interval.
# It is more when the line cannot keep up, as you will see below. The price of the short interval is that the host works, and the line
# is busy, ten times as often. On Windows Server 2012 there was no choice. **Which interval did it have, in minutes?**
#
# In the next cell put your answer in the place of the `...`, take the `#` away, and run it: `course.answer("interval-of-2012", 10)`, say.
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# レプリカの古さは、次の送信まで増え続け、届くと転送にかかった時間 (1 秒ほど) まで下がります。最悪の値は、ほぼ間隔のとおりです。回線が追いつかないと
# さらに大きくなります (あとで見ます)。間隔を短くすると、そのぶんホストと回線が頻繁に使われます。Windows Server 2012 では選べませんでした。
# **何分間隔だったでしょうか。**
#
# 次のセルの `...` を答えに置き換え、行頭の `#` を消して実行します (例: `course.answer("interval-of-2012", 10)`)。
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
# course.answer("interval-of-2012", ...)
course.hint("interval-of-2012")
# %%
course.solve("interval-of-2012")
# %% [markdown] lang="en"
# ## Step 1: replicate the VM
#
# **In the portal:** open it in a cell of your own (the `+` above the notebook makes one) with `portal.open(lab, "site", "hyperv")`.
# Choose `MYWSV01`, then *Enable replication* in the bar; *Copy frequency* 30 seconds. Then choose it in the table *Hyper-V Replica*, *Let time pass until initial replication is through*, and
# let half an hour more pass with the clock.
#
# **In code:** the next cell. `course.todo` is true as long as the step is not done, so you can run it after clicking, too.
# %% [markdown] lang="ja"
# ## 手順 1: 仮想マシンをレプリケートする
#
# **ポータルで:** セルを 1 つ追加して (ノートブックの上の `+`)、`portal.open(lab, "site", "hyperv")` を実行すると開きます。`MYWSV01` を選び、バーの [レプリケーションを有効にする] をクリックし、
# [コピーの頻度] を [30 秒] にします。次に [Hyper-V レプリカ] の表で選び、[初期レプリケーションの完了まで時間を進める] をクリックします。そのあと、
# 時計でさらに 30 分進めます。
#
# **コードで:** 次のセルを実行します。`course.todo` は、手順がまだ済んでいない間だけ真になるので、ポータルで操作したあとに実行しても
# かまいません。
# %%
if course.todo("replicate-host"):
    lab.hyperv.enable("MYWSV01", frequency="30s")
    lab.hyperv.wait("MYWSV01")
    lab.run("31min")
course.check("replicate-host")
# %% [markdown] lang="en" rules="1.1-5"
# ## Could VMM have done that?
#
# Both sites have a VMM server, and VMM manages hosts, networks, clouds. Ask it to protect the VM:
# %% [markdown] lang="ja"
# ## VMM でもできるか
#
# どちらのサイトにも VMM サーバーがあり、ホスト、ネットワーク、クラウドを管理しています。VMM に仮想マシンの保護を頼んでみます。
# %%
try:
    lab.site.vmm.enable_protection("MYWSV01")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# VMM does not manage Hyper-V Replica: from its console you can neither configure replication, nor watch it, nor fail over. Host by
# host, as you do here, that is bearable for two VMs, and not for two hundred. **This gap is what Site Recovery fills:** a service
# in the cloud, which no disaster of yours reaches, that lets the VMM servers of your sites replicate and fail over whole clouds, in
# an order you have laid down. Its **provider** on the VMM server, registered with a **vault**, is what was missing in this
# refusal.
#
# ## Something to break: the line between the sites
#
# Replication runs, everything is well. Now somebody digs up a cable.
# %% [markdown] lang="ja"
# VMM は Hyper-V レプリカを管理しません。VMM コンソールからは、レプリケーションの構成も、監視も、フェールオーバーもできません。ここでしたように
# ホストごとに操作するのは、2 台なら何とかなりますが、200 台では無理です。**この隙間を埋めるのが Azure Site Recovery です。** 自社の
# 災害が及ばないクラウド上のサービスで、各サイトの VMM を通じて、VMM クラウドを丸ごと、決めておいた順序でレプリケートし、フェールオーバー
# させます。拒否の理由にあったのは、VMM サーバーに入れて**資格情報コンテナー**に登録する**プロバイダー**です。
#
# ## 壊して直す: サイト間の回線
#
# レプリケーションは順調です。ここで、誰かが工事でケーブルを切ってしまいます。
# %%
course.trouble("replica-line-lost")
# %%
course.check("replica-line-lost")
# %%
lab.run("10min")
lab.hyperv.replicas["MYWSV01"].rpo, lab.hyperv.replicas["MYWSV01"].health
# %% [markdown] lang="en"
# The shop goes on selling, but what it sells exists once: the RPO grows by a second each second, whatever the interval says.
#
# **Your turn.** *Lab* > *Faults* in the portal shows both lines, the one to Azure and the one between the sites. Only one of them is
# broken: choose it as the *Destination* of *Bring the line back*.
# %% [markdown] lang="ja"
# 店は営業を続けていますが、売れた記録は 1 か所にしかありません。間隔の設定に関係なく、RPO は 1 秒に 1 秒ずつ増えていきます。
#
# **やってみましょう。** ポータルの [ラボ] > [障害] には、Azure への回線とサイト間の回線の両方が表示されます。切れているのは片方だけです。
# [回線の復旧] の [宛先] で、その回線を選んでください。
# %%
# ...
# %%
course.hint("replica-line-lost")
# %%
course.solve("replica-line-lost")
# %% [markdown] lang="en"
# ## Step 2: the host fails
#
# As long as the VM runs at its own site the replica is not started, or it would run twice:
# %% [markdown] lang="ja"
# ## 手順 2: ホストの障害
#
# 仮想マシンが元のサイトで動いている間は、レプリカは起動できません。同じ仮想マシンが二重に動いてしまうからです。
# %%
try:
    lab.hyperv.failover("MYWSV01")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **In the portal:** *Site* > *Hyper-V*: choose `MYWSV01` and *Turn off*, which is what a power failure does. Then, in the table
# *Hyper-V Replica*, *Failover* (the newest recovery point), look whether the VM is well, and *Complete Failover*.
# %% [markdown] lang="ja"
# **ポータルで:** [サイト] > [Hyper-V] で `MYWSV01` を選び、[停止] をクリックします。電源障害と同じことが起こります。次に [Hyper-V レプリカ] の表で
# 選び、[フェールオーバー] (最新の復旧ポイント) をクリックします。仮想マシンに問題がないことを確かめたら、[フェールオーバーの実行] をクリックします。
# %%
if course.todo("host-failover"):
    lab.site.turn_off("MYWSV01")
    lab.hyperv.failover("MYWSV01")
    lab.hyperv.complete_failover("MYWSV01")
    lab.run("5min")
course.check("host-failover")
# %% [markdown] lang="en"
# Wanted and achieved, side by side. The RTO counts from your click to the answering application; the MTD is *not tested*, because no
# loss of the site came before the click.
# %% [markdown] lang="ja"
# 目標と実績を並べます。RTO は、操作からアプリケーションが応答するまでの時間です。サイトの喪失から始まったのではないので、
# MTD は**測定されていません** (not_tested)。met は達成です。
# %%
for row in lab.vault.objectives:
    achieved = "-" if row.achieved is None else f"{row.achieved / 1000:.0f} s"
    print(f"{row.objective.upper()}  {row.target / 1000:6.0f} s  {achieved:>6}  {row.verdict}")
# %% [markdown] lang="en"
# ## Step 3: turn replication round
#
# The VM runs at the other site, and is replicated nowhere: after an unplanned failover nobody turns replication round for you.
#
# **In the portal:** the table *Hyper-V Replica*, *Reverse replication*, then *Let time pass until initial replication is through*.
# %% [markdown] lang="ja"
# ## 手順 3: レプリケーションを反転する
#
# 仮想マシンはもう一方のサイトで動いていますが、どこにもレプリケートされていません。計画されていないフェールオーバーのあとは、自動では
# 反転しません。
#
# **ポータルで:** [Hyper-V レプリカ] の表で [レプリケーションの反転] をクリックし、続いて [初期レプリケーションの完了まで時間を進める] をクリックします。
# %%
if course.todo("reverse-by-hand"):
    lab.hyperv.reverse("MYWSV01")
    lab.hyperv.wait("MYWSV01")
course.check("reverse-by-hand")
# %% [markdown] lang="en"
# Then, when all is quiet, home again, as **planned**: shut the VM down, send the rest, start it at the first site. Nothing is
# lost, and replication turns round by itself.
# %% [markdown] lang="ja"
# 落ち着いたところで、**計画された**フェールオーバーで元のサイトに戻ります。仮想マシンをシャットダウンし、残りを送り、元のサイトで起動します。
# 何も失われず、レプリケーションは自動で反転します。
# %%
lab.run("30min")
if "PlannedFailover" in lab.hyperv.replicas["MYWSV01"].allowed_operations:
    lab.hyperv.shut_down("MYWSV01")
    lab.hyperv.planned_failover("MYWSV01")
    lab.hyperv.wait("MYWSV01")
replica = lab.hyperv.replicas["MYWSV01"]
print(replica.primary, "->", replica.replica, replica.state)
views.failovers(lab)[["operation", "rpo", "orders", "equal"]]
# %% [markdown] lang="en" rules="1.1-7"
# Seconds and orders lost: as old as the last cycle in the first row, zero in the second. `equal` says that the lab has compared the
# disks byte by byte with the site's at the recovery point.
#
# ## Site Recovery is not Backup
#
# Azure has two recovery services on one page, *Recovery Services*, and both use the same agent: **Site Recovery** replicates
# running VMs, to start them elsewhere within minutes; **Azure Backup** keeps data for a long time, to bring it back. Their vaults
# look alike and cannot stand in for each other:
# %% [markdown] lang="ja"
# 失われた秒数と注文の件数です。1 行目は最後のレプリケーションからの時間のぶん失われ、2 行目はゼロです。`equal` は、復旧ポイントの時点の
# ディスクと 1 バイトずつ比べた結果です。
#
# ## Azure Site Recovery とバックアップの違い
#
# Azure の [復旧サービス] ページには 2 つのサービスがあり、同じエージェントを使います。**Azure Site Recovery** は、動いている仮想マシンを
# レプリケートし、数分で別の場所で起動できるようにします。**Azure Backup** は、データを長く保存し、取り戻せるようにします。コンテナーは
# よく似ていますが、代わりにはなりません。
# %%
if "Files" not in lab.azure.vaults:
    lab.azure.create_vault("Files", "East Asia", kind="backup")
try:
    lab.vault.generate_key(vault="Files")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **A file was deleted three weeks ago. Which of the two brings it back?**
# %% [markdown] lang="ja"
# **3 週間前に削除したファイルを取り戻したいとき、どちらのサービスを使いますか。**
# %%
# course.answer("which-service", ...)
course.hint("which-service")
# %%
course.solve("which-service")
# %% [markdown] lang="en" rules="1.1-6"
# ## How the service came about
#
# The lab lives in October 2014, just after the last of these lines. Old names stay in dialogs: you will meet *Hyper-V Recovery Manager*
# in VMM.
# %% [markdown] lang="ja"
# ## サービスの歩み
#
# ラボの中の時間は 2014 年 10 月で、この年表の最後の行の直後です。古い名前は画面に残っていて、VMM では *Hyper-V Recovery Manager* と
# いう名前に出会います。
# %%
for milestone in timeline():
    print(f"{milestone.when:10}  {milestone.event}")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Hyper-V Replica copies a VM from host to host at an interval: 30 seconds, 5 or 15 minutes; 5 minutes on Windows Server 2012.
# - An unplanned failover loses what was written since the last cycle that arrived whole; a planned one loses nothing.
# - Replication is turned round by itself after a planned failover, and by hand after an unplanned one.
# - VMM alone cannot manage it. Site Recovery adds that, from a place that no disaster of yours reaches.
# - RPO, RTO and MTD are targets. Only a failover shows what is achieved.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - Hyper-V レプリカは、仮想マシンをホストからホストへ、30 秒、5 分、15 分のいずれかの間隔でコピーします。Windows Server 2012 では 5 分です。
# - 計画されていないフェールオーバーでは、最後に全部届いたあとの書き込みが失われます。計画されたフェールオーバーでは、何も失われません。
# - レプリケーションは、計画されたフェールオーバーのあとは自動で、計画されていないフェールオーバーのあとは手動で反転します。
# - VMM だけでは管理できません。それを加えるのが、自社の災害が及ばない場所にある Azure Site Recovery です。
# - RPO、RTO、MTD は目標です。達成できるかどうかは、フェールオーバーしてみて初めてわかります。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
