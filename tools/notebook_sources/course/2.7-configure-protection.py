# %% [markdown] lang="en"
# # 2.7 The protection of the cloud
#
# *In the guide: STEP 2, 2.7 VMM クラウドの保護の構成. About 12 minutes.*
#
# The settings that you make now hold for every VM of the cloud: how often its changes travel, how far back you can go, what your
# replicas are worth. You will
#
# - learn each setting, and which values are refused;
# - measure in copies of the lab what frequency and retention do to the number of recovery points;
# - save the protection, watch its job fail, mend the cause, and save again;
# - map the network of the site to the one in Azure;
# - change what can be changed later, and see what cannot.
# %% [markdown] lang="ja"
# # 2.7 VMM クラウドの保護の構成
#
# *自習書: STEP 2「2.7 VMM クラウドの保護の構成」。所要時間は約 12 分です。*
#
# ここで決める設定は、VMM クラウドのすべての仮想マシンに適用されます。変更をどのくらいの頻度で送るか、どこまで過去に戻れるか、レプリカが
# どれだけ役に立つかが決まります。このノートブックでは、次のことをします。
#
# - 設定を 1 つずつ理解し、どの値が拒否されるかを確かめる。
# - コピーの頻度と保持期間によって、復旧ポイントの数がどう変わるかを、ラボのコピーで測る。
# - 保護の構成を保存する。ジョブが失敗したら、原因を取り除いて、もう一度保存する。
# - サイトのネットワークを Azure の仮想ネットワークにマップする。
# - あとから変更できる設定と、変更できない設定を確かめる。
# %% [markdown] lang="en"
# ## Where you begin
#
# The server is registered, the host has its agent (2.6). The vault knows the cloud, and nothing is configured.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# VMM サーバーは登録済みで、ホストにはエージェントがあります (2.6)。資格情報コンテナーは VMM クラウドを知っていますが、まだ何も構成されていません。
# %%
import tempfile
from pathlib import Path

import labkit
from labkit import course, portal

lab = course.start("configure-protection")
cloud = "OnPremise Cloud"
# %% [markdown] lang="en" rules="2.7-1, 2.7-4, 2.7-5, 2.7-6, 2.7-7"
# ## The settings
#
# | setting | values | what it decides |
# |---|---|---|
# | Target | Microsoft Azure, or another cloud | where the replicas live |
# | Storage account | geo-redundant, in the vault's region | where the disks lie |
# | Encrypt stored data | off, on | whether Azure could read them |
# | Copy frequency | 30 seconds, **5 minutes**, 15 minutes | how much an unplanned failover loses: the RPO |
# | Retain recovery points for (hours) | **0** to 24 | how far back you can go |
# | Frequency of application-consistent snapshots | **none**, 1 to 12 hours | whether there are points at which the applications were at rest |
# | Replication start time | **immediately**, or a half hour of the day | when the first, large copy begins |
#
# Bold is what Azure offers by default; this lab's site file presets 24 hours of recovery points. The lab takes nothing else, and says what it would take:
# %% [markdown] lang="ja"
# ## 設定項目
#
# | 設定 | 値 | 何が決まるか |
# |---|---|---|
# | ターゲット | Microsoft Azure、または別の VMM クラウド | レプリカの置き場所 |
# | ストレージ アカウント | 資格情報コンテナーと同じリージョンの、ジオ (主要地域) 冗長 | ディスクの保存先 |
# | 保存データの暗号化 | オフ、オン | Azure 側でデータを読めるかどうか |
# | コピーの頻度 | 30 秒、**5 分**、15 分 | 計画されていないフェールオーバーで失う量 (RPO) |
# | 復旧ポイントの保持期間 (時間) | **0** ～ 24 | どこまで過去に戻れるか |
# | アプリケーション整合性スナップショットの頻度 | **なし**、1 ～ 12 時間 | アプリケーションの整合性がとれた復旧ポイントを作るか |
# | レプリケーションの開始時刻 | **すぐに**、または 30 分単位の時刻 | 大きな最初のコピーをいつ始めるか |
#
# 太字は Azure の既定値です (復旧ポイントの保持期間は、このラボのサイト ファイルで 24 時間に設定されています)。これ以外の値は拒否され、選べる値が示されます。
# %%
wrong = (
    {"frequency": "1min"},
    {"retention": 25},
    {"app_consistent": 13},
    {"initial_start": "02:15"},
)
for settings in wrong:
    try:
        lab.vault.configure_protection(cloud, storage="mysiterecovery", **settings)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en" rules="2.7-2, 2.7-3, 2.5-5"
# Storage is a matter of its own: it has to be in the vault's region *and* geo-redundant. And encryption needs the certificate that the
# provider's setup makes (2.6). Without encryption the data still travels by HTTPS; it is only stored as it is.
# %% [markdown] lang="ja"
# ストレージ アカウントには、2 つの条件があります。資格情報コンテナーと同じリージョンで、**かつ**ジオ (主要地域) 冗長であることです。また、暗号化には、
# プロバイダーのセットアップで作成する証明書が必要です (2.6)。暗号化しない場合も、通信は HTTPS で保護されます。保存されるデータが、そのままになるだけです。
# %%
lab.azure.create_storage("cheapdisks", "East Asia", "LRS")
lab.azure.create_storage("japandisks", "Japan East", "GRS")
wrong = [{"storage": "cheapdisks"}, {"storage": "japandisks"}]
if not any(row.encryption for row in lab.vault.servers):
    wrong.append({"storage": "mysiterecovery", "encrypt": True})
for settings in wrong:
    try:
        lab.vault.configure_protection(cloud, **settings)
    except labkit.LabError as refused:
        print(refused)
for name in ("cheapdisks", "japandisks"):
    lab.azure.delete_storage(name)
# %% [markdown] lang="en" rules="2.7-11"
# With another cloud as the target you are asked other things: a number of additional recovery points, compression, authentication and port, the
# first copy over the network or by export. Storage, encryption, retention and the VM's size belong to Azure alone. What is
# out of place is refused, in both directions:
# %% [markdown] lang="ja"
# ターゲットが別の VMM クラウドなら、設定項目が変わります。追加の復旧ポイントの数、圧縮、認証とポート、最初のコピーをネットワークで送るか
# エクスポートするか、などです。ストレージ アカウント、暗号化、保持期間、仮想マシンのサイズは、Azure がターゲットの場合だけの設定です。
# 場違いな設定は、どちらの方向でも拒否されます。
# %%
for settings in ({"target": "Backup Cloud", "retention": 4}, {"points": 4}):
    try:
        lab.vault.configure_protection(cloud, **settings)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# ## An experiment: how many recovery points?
#
# In the first hour every cycle leaves a point; of what is older, one an hour is kept. So there should be *60 min / frequency + retention*
# of them. Should? We protect `MYBSD01` in six copies of the lab, let six hours pass in each, and count.
# %% [markdown] lang="ja"
# ## 実験: 復旧ポイントはいくつできるか
#
# 最初の 1 時間は、サイクルごとに復旧ポイントができます。それより古いものは、1 時間に 1 つだけ残ります。計算では「60 分 ÷ コピーの頻度 + 保持期間」になるはずです。本当でしょうか。ラボのコピーを 6 つ作って `MYBSD01` を保護し、それぞれ 6 時間進めて、数えます。
# %%
def count(frequency: str, retention: int) -> int:
    with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(Path(folder) / "copy.lab")) as copy:
        copy.site.vmm.change_cloud(cloud, profiles=["Hyper-V"])
        copy.vault.configure_protection(
            cloud, storage="mysiterecovery", frequency=frequency, retention=retention, wait=True
        )
        copy.vault.enable_protection("MYBSD01", wait=True)
        copy.run("6h")
        return len(copy.vault.items["MYBSD01"].recovery_points)


points = {}
if course.todo("configure-cloud"):
    for frequency in ("30s", "5min", "15min"):
        points[frequency] = [count(frequency, retention) for retention in (0, 4)]
        print(f"{frequency:6}", *(f"{number:6}" for number in points[frequency]))
# %% [markdown] lang="en"
# The columns are 0 and 4 hours of retention, and the sum comes out. Points are not free, for each keeps the blocks that were
# overwritten since. But the point of before the ransomware is what you will look for one day, so we take 24 hours.
#
# One copy more, for two other settings: the first copy shall begin at 22:00, and there shall be consistent snapshots every hour.
# %% [markdown] lang="ja"
# 列は、保持期間 0 時間と 4 時間です。計算どおりになりました。復旧ポイントは、ただではありません。それぞれが、
# その後に上書きされたブロックを保存しているからです。それでも、いつか「ランサムウェアにやられる前」の復旧ポイントを探す日が来るかもしれません。
# ここでは 24 時間にします。
#
# もう 1 つコピーを作り、残りの 2 つの設定を試します。最初のコピーは 22:00 に始め、整合性スナップショットは 1 時間ごとに作成します。
# %%
if course.todo("configure-cloud"):
    with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(Path(folder) / "copy.lab")) as copy:
        copy.site.vmm.change_cloud(cloud, profiles=["Hyper-V"])
        copy.vault.configure_protection(
            cloud, frequency="15min", retention=1, app_consistent=1, initial_start="22:00", wait=True
        )
        for vm in ("MYWSV01", "MYBSD01"):
            copy.vault.enable_protection(vm, wait=True)
        print(copy.now)
        copy.run("18h")
        print(next(copy.show_instant(event.at) for event in copy.site.event_log("MYWSV01")))
        for vm in ("MYWSV01", "MYBSD01"):
            for point in copy.vault.items[vm].recovery_points:
                print(vm, point.time[11:16], point.kind)
# %% [markdown] lang="en"
# (The first two lines: when protection was enabled, and when the first copy began.) Windows guests give *application-consistent* points: their applications were told by VSS and had written everything. In Linux guests (and
# those that count as such) the file system is put in order, no more. All the other points are *crash-consistent*: as if the plug
# had been pulled.
# %% [markdown] lang="ja"
# 最初の 2 行は、保護を有効にした時刻と、最初のコピーが始まった時刻です。Windows のゲストでは「アプリケーション整合性」(application-consistent) の復旧ポイントができます。VSS がアプリケーションに知らせ、すべてを書き込ませてから
# 作成します。Linux のゲスト (Linux として扱うものを含む) では、ファイル システムの整合性まで (file-system-consistent) です。そのほかは
# 「クラッシュ整合性」(crash-consistent)、つまり電源を抜いたときと同じ状態です。
# %% [markdown] lang="en" rules="2.7-8"
# ## Step 1: save, fail, mend, save
#
# Saving starts a job. It goes through the provider to VMM, and sets up Hyper-V Replica on every host of the cloud. So it
# can fail for whatever is wrong down there. Let us have something wrong: somebody made the cloud in a hurry (2.3).
# %% [markdown] lang="ja"
# ## 手順 1: 保存し、失敗し、直して、もう一度保存する
#
# 保存すると、ジョブが始まります。ジョブは、プロバイダーを通して VMM と通信し、VMM クラウドのすべてのホストで Hyper-V レプリカを構成します。
# サイト側に問題があれば、そこで失敗します。問題を 1 つ用意しましょう。誰かが、VMM クラウドを急いで作ったようです (2.3)。
# %%
if course.todo("configure-cloud"):
    print(course.trouble("configure-cloud"))
# %% [markdown] lang="en"
# **In the portal** (`portal.open(lab, "items")` in a cell of your own): *Protected Items* > *OnPremise Cloud* > *Settings* > *Protection configuration*: target Microsoft Azure, storage account
# `mysiterecovery`, 5 minutes, 24 hours. The end of the job is told by the notice at the foot of the page; *View job* leads to it.
#
# **In code:** the next cell. It saves, and then shows the job as the page *Jobs* does.
# %% [markdown] lang="ja"
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items")` を実行し、[保護された項目] > [OnPremise Cloud] > [設定] > [保護の構成] で、ターゲットは Microsoft Azure、ストレージ アカウントは
# `mysiterecovery`、頻度は 5 分、保持期間は 24 時間にします。ジョブの終了はページの下の通知で知らされ、[ジョブの表示] でジョブを開けます。
#
# **コードで:** 次のセルを実行します。保存してから、[ジョブ] ページと同じ内容を表示します (`Failed` は失敗、`NotStarted` は未開始です)。
# %%
def save() -> None:
    try:
        lab.vault.configure_protection(cloud, storage="mysiterecovery", frequency="5min", retention=24, wait=True)
    except labkit.LabError as refused:
        print(refused)


if course.todo("configure-cloud"):
    save()
job = [job for job in lab.jobs.values() if job.scenario == "AssociateProtectionProfile"][-1]
for task in job.tasks:
    print(f"{task.state:12} {task.title}")
# %% [markdown] lang="en"
# **Your turn.** The error says what VMM lacks, and where it is ticked. Mend it and save again, in the portal or in the empty cell (`save()` is
# defined above). `course.solve` does it for you: leave it out while you try yourself.
# %% [markdown] lang="ja"
# **やってみましょう。** エラーには、VMM に何が足りず、どこで設定するかが書かれています。直して、もう一度保存してください。ポータルでも、次の空のセルでも
# かまいません (`save()` は上で定義しました)。`course.solve` は代わりに実行するセルなので、自分で試している間は飛ばしてください。
# %%
# ...
# %%
course.hint("configure-cloud")
# %%
course.solve("configure-cloud")
# %%
lab.vault.clouds
# %% [markdown] lang="en" rules="2.7-9"
# ## Step 2: map the network
#
# A failed-over VM shall find itself on the right network. The **mapping** says which: logical network of the cloud to virtual network in
# Azure. Nobody forces you. A VM without it fails over all the same, and is on no virtual network then: VMs of one plan reach each
# other, the site reaches none.
#
# **In the portal:** *Resources* > *Networks* > *Map*. **In code:** the next cell.
# %% [markdown] lang="ja"
# ## 手順 2: ネットワークをマップする
#
# フェールオーバーした仮想マシンは、正しいネットワークに接続されなければなりません。それを決めるのが**マッピング**です。VMM クラウドの論理
# ネットワークを、Azure の仮想ネットワークに対応させます。必須ではありません。マップしなくてもフェールオーバーはできますが、どの仮想ネットワークにも
# 接続されません。同じ復旧計画の仮想マシンどうしは通信できても、サイトからは届きません。
#
# **ポータルで:** [リソース] > [ネットワーク] > [マップ] で設定します。**コードで:** 次のセルを実行します。
# %%
print(lab.site.vmm.logical_networks, lab.azure.networks)
if course.todo("map-network"):
    lab.vault.map_network("VirtualSwitch - FrontEnd", "AzureNetwork", wait=True)
for row in lab.vault.network_mappings:
    print(row.source, ">", row.target)
# %%
course.check("map-network")
# %% [markdown] lang="en" rules="2.7-10"
# ## Step 3: change it afterwards
#
# Four settings can be changed while VMs are protected: frequency, retention, snapshots, start time. Three cannot, for they would
# mean to copy everything anew: target, storage account, encryption. For those the cloud has to be released and configured again.
# %% [markdown] lang="ja"
# ## 手順 3: あとから変更する
#
# 保護したまま変更できる設定は 4 つです。コピーの頻度、保持期間、スナップショットの頻度、開始時刻です。ターゲット、ストレージ アカウント、
# 暗号化の 3 つは変更できません。変更すると、すべてをコピーし直すことになるからです。この 3 つは、クラウドの保護を解除してから、構成し直します。
# %%
for settings in ({"storage": "otherdisks"}, {"encrypt": True}):
    try:
        lab.vault.change_protection(cloud, **settings)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# **Your turn.** Have application-consistent snapshots made every 4 hours. In the portal: *Change of the protection configuration*; in
# code `lab.vault.change_protection`.
# %% [markdown] lang="ja"
# **やってみましょう。** アプリケーション整合性スナップショットを 4 時間ごとに作成するように変更してください。ポータルでは [保護の構成の変更]、
# コードでは `lab.vault.change_protection` です。
# %%
# ...
# %%
course.solve("app-consistent")
# %% [markdown] lang="en"
# ## Something to break
#
# Somebody has to save storage, and does it here. Nothing turns red.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# 誰かが、ここでストレージの節約をしてしまいました。どこにも警告は出ません。
# %%
course.trouble("lost-retention")
# %%
course.check("lost-retention")
# %% [markdown] lang="en"
# **Your turn.** Compare the cloud's settings with what was agreed (24 hours), and put them right. (`target` is `None` where it is Microsoft Azure.)
# %% [markdown] lang="ja"
# **やってみましょう。** VMM クラウドの設定を、決めたとおり (24 時間) かどうか確かめて、元に戻してください (`target` の `None` は、ターゲットが Microsoft Azure だという意味です)。
# %%
lab.vault.settings(cloud)
# %%
# ...
# %%
course.solve("lost-retention")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - The settings are the cloud's, and hold for all its VMs. Who needs another frequency needs another cloud.
# - 60 minutes / frequency, and one for each hour of retention: so many points to choose from.
# - Saving is a job. If it fails, the job says why; mend it and save again.
# - Target, storage and encryption are decided once. Think of them first.
# - Unmapped means: on no network.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 設定は VMM クラウドのもので、すべての仮想マシンに適用されます。別の頻度にしたい仮想マシンがあれば、別の VMM クラウドが必要です。
# - 選べる復旧ポイントの数は、60 分 ÷ コピーの頻度と、保持期間 1 時間につき 1 つです。
# - 保存するとジョブが始まります。失敗したら、ジョブで原因を調べ、取り除いてから、もう一度保存します。
# - ターゲット、ストレージ アカウント、暗号化は、あとから変更できません。最初によく考えて決めます。
# - マップしなければ、フェールオーバーした仮想マシンはどの仮想ネットワークにも接続されません。
# %%
course.progress()
