# %% [markdown] lang="en"
# # Start here
#
# This is a lab for disaster recovery. In it stands a small company, Contoso: a Hyper-V host with three virtual machines,
# a VMM server that manages it, and a Site Recovery vault in Azure. Nothing of it is real, and nothing can break: there is
# no Azure account behind it and no network. Two things *are* real in their way. **Bytes**: the machines write to disks,
# the writes cross a line, and what did not cross is missing on the other side. **Time**: it is virtual, so that hours
# pass in seconds, and it stands still while you read.
#
# In the next ten minutes you protect a virtual machine, watch how far its replica lags behind, pull the plug on the line,
# move the machine to Azure, and count what was lost.
#
# Run the cells from top to bottom with **Shift+Enter**, one by one, and read what stands between them. You can do so any
# number of times; the notebook goes on from where the lab stands.
# %% [markdown] lang="ja"
# # はじめに
#
# ここは災害復旧の演習ラボです。中には Contoso という小さな会社があります。3 台の仮想マシンが動く Hyper-V ホスト、それを管理する
# VMM サーバー、そして Azure の Site Recovery 資格情報コンテナーです。どれも本物ではないので、壊れて困るものはありません。Azure の
# アカウントもネットワークも使いません。ただし、次の 2 つは本物と同じように振る舞います。**データ**: 仮想マシンはディスクに書き込み、
# 書き込みは回線を渡ります。渡らなかったデータは、向こう側にはありません。**時間**: 仮想の時間なので、数時間が数秒で過ぎます。
# 読んでいる間は止まっています。
#
# これからの 10 分で、仮想マシンを保護し、レプリカがどれだけ遅れているかを眺め、回線を切り、仮想マシンを Azure に移して、
# 失われたものを数えます。
#
# 上から順に、セルを 1 つずつ **Shift+Enter** で実行しながら、間の文章を読んでください。何度でも実行できます。ノートブックは、
# ラボの今の状態から先へ進みます。
# %% [markdown] lang="en"
# ## 1. The lab
#
# A lab is one file. `open_or_create` makes it if it is not there, and otherwise goes on with it. The stage `configured`
# means that somebody has done the set-up already: the server is registered, the cloud is protected, the networks are
# mapped. (The course lets you do all that yourself.)
# %% [markdown] lang="ja"
# ## 1. ラボ
#
# ラボは 1 つのファイルです。`open_or_create` は、ファイルがなければ作り、あれば続きから始めます。`configured` は、準備が
# 済んでいる段階です。サーバーは登録済み、クラウドの保護は構成済み、ネットワークはマップ済みです (この作業は、このあとの
# コースで自分で行います)。
# %%
import labkit
from labkit import portal, views

lab = labkit.open_or_create("start-here.lab", site="contoso", stage="configured")
lab
# %% [markdown] lang="en"
# `MYWSV01` is the machine that matters: it takes six orders a minute and keeps them in a database on its second disk.
# Disks are given in bytes.
# %% [markdown] lang="ja"
# 大事なのは `MYWSV01` です。1 分間に 6 件の注文を受け付け、2 台目のディスクのデータベースに保存しています。
# ディスクのサイズの単位はバイトです。
# %%
vm = "MYWSV01"
lab.site.machines[vm]
# %% [markdown] lang="en"
# ## 2. Protect it
#
# Enabling protection starts the *initial replication*: all that is in use on the disks is sent to Azure once. `lab.wait` lets
# virtual time pass until that is done. The line carries 100 Mbit/s; look at how far the lab's clock has moved.
# %% [markdown] lang="ja"
# ## 2. 保護する
#
# 保護を有効にすると、**初期レプリケーション**が始まります。ディスクの使用中の内容がすべて 1 度 Azure に送られます。`lab.wait` は、
# それが終わるまで仮想時間を進めます。回線は 100 Mbit/s です。ラボの時計がどれだけ進んだか、見てください。
# %%
if vm not in lab.vault.items:
    lab.vault.enable_protection(vm)
lab.wait(lab.vault.items[vm])
lab.vault.items[vm], lab.now
# %% [markdown] lang="en"
# ## 3. RPO moves
#
# From now on every change is sent in cycles of five minutes. The **recovery point objective**, RPO, says how old the data
# may be that you fall back on; the curve shows how old it *is*. It grows by one second a second, and drops each time a
# cycle has arrived in Azure. That gives a saw-tooth: never zero, never much more than five minutes. The dashed line is
# Contoso's target.
#
# The next cell shows the chart and plays one hour at 600 times the speed of life. You may press **Pause**, change the
# speed, or point at the curve to read values (with the keyboard: Tab to the chart, then the arrow keys). Afterwards the
# clock stands still again; **Play** lets it run on for as long as you like, and **Next event** goes to the next thing
# that happens.
# %% [markdown] lang="ja"
# ## 3. 動く RPO
#
# ここからは、変更が 5 分ごとにまとめて送られます。**目標復旧時点** (RPO) は、どれだけ古いデータまでなら戻ってもよいかという
# 目標です。グラフの線は、今戻るとしたらデータが実際にどれだけ古いかを示します。1 秒に 1 秒ずつ増え、変更が Azure に届くたびに
# 下がります。だから、のこぎりの歯の形になります。ゼロにはならず、5 分を大きく超えることもありません。破線は Contoso の目標値です。
#
# 次のセルはグラフを表示し、1 時間を 600 倍の速さで再生します。途中で**一時停止**したり、速さを変えたり、線にポインターを合わせて
# 値を読んだりできます (キーボードでは、Tab でグラフに移り、矢印キーを使います)。終わると時計はまた止まります。**再生**を押せば、
# 好きなだけ動かせます。**次の出来事へ**は、次に何かが起こる時点まで進めます。
# %%
view = portal.watch(lab, [vm])
await view.play("1h", speed=600)
# %% [markdown] lang="en"
# ## 4. Pull the plug
#
# Now the line between Contoso and Azure is lost. The company works on and takes orders; its replica knows nothing of them.
# Watch the curve: no cycle arrives, nothing pulls it down, and after a while it crosses the target. The host tries again
# 1, 2, 4, 8, 10 and then every 30 minutes later.
# %% [markdown] lang="ja"
# ## 4. 回線を切る
#
# Contoso と Azure の間の回線を切ります。会社は仕事を続け、注文を受け付けますが、レプリカには何も届きません。線を見てください。
# 変更が届かないので下がらず、やがて目標値を超えます。ホストは 1、2、4、8、10 分後に、その後は 30 分ごとに再試行します。
# %%
lab.faults.lose_line()
await view.play("40min", speed=600)
# %% [markdown] lang="en"
# The same as numbers: RPO in seconds, and the bytes that wait at the site to be sent.
# %% [markdown] lang="ja"
# 同じことを数値で見ます。RPO (秒) と、サイトで送信を待っているバイト数です。
# %%
lab.vault.items[vm].rpo, lab.vault.items[vm].pending
# %% [markdown] lang="en"
# ## 5. Fail over
#
# You decide to go on in Azure. That is an **unplanned failover**: nobody can ask the site for its last data, the machine is
# started from the newest recovery point. The job's tasks take their time, then Windows has to start, and the application
# opens its database as it was found. Let half an hour pass.
# %% [markdown] lang="ja"
# ## 5. フェールオーバーする
#
# Azure で業務を続けることにします。これが**計画されていないフェールオーバー**です。サイトに最新のデータを求めることはできないので、
# 最新の復旧ポイントから仮想マシンを起動します。ジョブのタスクには時間がかかります。そのあと Windows が起動し、アプリケーションが、
# 残っていたデータベースを開きます。30 分進めます。
# %%
if "UnplannedFailover" in lab.vault.items[vm].allowed_operations:
    lab.vault.unplanned_failover(vm)
await view.play("30min", speed=600)
# %% [markdown] lang="en"
# It is there: `side` says where it runs, `answering` that its application answers.
# %% [markdown] lang="ja"
# 動いています。`side` は動いている場所、`answering` はアプリケーションが応答していることを示します。
# %%
lab.azure.machines
# %% [markdown] lang="en"
# ## 6. What was lost
#
# Nothing here is estimated. When the failover took place, the lab opened both databases, the one at the site and the one
# on the replica's disk, and compared them order by order.
#
# `rpo` is the time from the recovery point to the last moment of the site, in seconds, `orders` the number of orders that
# customers have placed and Azure has never seen. Check it: six orders a minute, that is one in ten seconds. `equal` says
# that Azure's disks are, byte for byte, the site's at the recovery point: late, but not damaged. `discarded` belongs to
# failbacks: orders that the machine at the site took after the failover, and that its disks lose when Azure's data comes
# home. Nothing has come home here.
# %% [markdown] lang="ja"
# ## 6. 失われたもの
#
# ここに推定値はありません。フェールオーバーのとき、ラボは両方のデータベース (サイトのものと、レプリカのディスクのもの) を開き、
# 注文を 1 件ずつ比べました。
#
# `rpo` は、復旧ポイントからサイトの最後の時点までの秒数です。`orders` は、お客様が出したのに Azure には届かなかった注文の件数です。
# 計算してみましょう。1 分間に 6 件、つまり 10 秒に 1 件です。`equal` は、Azure のディスクが復旧ポイントの時点のサイトのディスクと
# 1 バイトも違わないことを示します。古いけれども、壊れてはいません。`discarded` はフェールバックのための項目です。フェールオーバー後に
# サイトの仮想マシンが受け付け、Azure のデータが戻るときに失われた注文の件数です。ここでは、まだ何も戻していません。
# %%
views.failovers(lab).T
# %% [markdown] lang="en"
# ## 7. Clean up
#
# In the real Azure everything that is left over costs money, so a drill ends with an empty table. The failover is
# *committed* (made final), protection is removed, the machine in Azure is deleted with its disks, the line is mended, and
# the machine at the site is started if it is off.
# %% [markdown] lang="ja"
# ## 7. 片づける
#
# 本物の Azure では、残したものに料金がかかります。だから訓練の最後には、何も残っていないことを確かめます。フェールオーバーを
# **コミット** (確定) し、仮想マシンの保護を無効にし、Azure の仮想マシンをディスクごと削除して、回線を直します。サイトの
# 仮想マシンが停止していれば、起動します。
# %%
lab.faults.restore_line()
if vm in lab.vault.items:
    if "Commit" in lab.vault.items[vm].allowed_operations:
        lab.vault.commit(vm, wait=True)
    lab.vault.disable_protection(vm, wait=True)
for name in lab.azure.machines:
    lab.azure.delete_machine(name)
if lab.site.machines[vm].state == "Off":
    lab.site.start(vm)
lab.azure.machines, list(lab.vault.items)
# %% [markdown] lang="en"
# ## 8. The same by clicking
#
# All that you have typed here can be clicked, too. The **portal** has the pages of the real one: *Protected Items* and
# *Jobs* are where you have been in the last minutes, *Dashboard* has the chart. Each dialog shows the line of Python that
# does the same, and whatever is greyed says why.
#
# Try it: **Protected Items**, the cloud, **Add virtual machines**, `MYWSV01`, **OK**; then **Play**, and watch the Dashboard.
# `portal.open(lab, side=True)` opens it in a tab beside the notebook.
# %% [markdown] lang="ja"
# ## 8. 同じことをクリックで
#
# ここで入力したことは、すべてクリックでもできます。**ポータル**には、本物と同じページがあります。先ほどまで操作していたのは
# **保護された項目**と**ジョブ**、グラフは**ダッシュボード**にあります。どのダイアログにも、同じことをする Python の行が表示され、
# 使えないボタンには理由が表示されます。
#
# 試してみましょう。**保護された項目**でクラウドを開き、**仮想マシンの追加**で `MYWSV01` を選んで **OK** を押します。それから**再生**を
# 押して、ダッシュボードを眺めます。`portal.open(lab, side=True)` なら、ノートブックの隣のタブに開きます。
# %%
portal.open(lab)
# %% [markdown] lang="en"
# ## Where to go from here
#
# - **Set it all up yourself.** A lab of the stage `start` is bare servers: `labkit.create("mine.lab", stage="start")`, open its
#   portal, and follow *Quick Start* step by step.
# - **Change something and do it again.** Let the line be lost for two hours, or fail over before you pull the plug
#   (`lab.vault.planned_failover(vm)`): how many orders are lost then? Delete `start-here.lab` to begin with a new lab.
# - **Look closer.** `lab.facts` is everything that happened, `lab.journal` everything you asked for. Every refusal says
#   why, and what to do: try `lab.vault.commit(vm)` now.
# - **Run a whole drill** without a hand on it: `labkit drill run unplanned` in a terminal leaves a report that could be
#   shown to an auditor.
# %% [markdown] lang="ja"
# ## 次にすること
#
# - **準備から自分で。** 段階 `start` のラボには、何も入っていないサーバーだけがあります。`labkit.create("mine.lab", stage="start")` で
#   作ってポータルを開き、**クイック スタート**の手順を 1 つずつ進めます。
# - **条件を変えて、もう 1 度。** 回線を 2 時間切ってみる、回線を切る前にフェールオーバーしてみる
#   (`lab.vault.planned_failover(vm)`)。注文は何件失われるでしょうか。`start-here.lab` を削除すると、新しいラボから始まります。
# - **詳しく見る。** `lab.facts` には起こったことのすべて、`lab.journal` には指示した操作のすべてがあります。操作が拒否されたときは、
#   理由と、どうすればよいかが表示されます。今、`lab.vault.commit(vm)` を試してみてください。
# - **訓練を丸ごと、無人で。** ターミナルで `labkit drill run unplanned` を実行すると、監査にも見せられる報告書ができます。
