# %% [markdown] lang="en"
# # 2.5 Azure's side: vault, storage, network
#
# *In the guide: STEP 2, 2.5 Microsoft Azure 側の準備. About 10 minutes.*
#
# The site is ready; in Azure there is nothing yet but a subscription. You will
#
# - make the three things that protection needs there, all in one region: a vault, a storage account, a virtual network;
# - find your way about the portal of a vault;
# - measure what a closed dummy network is good for, and what it is not;
# - generate the key by which the site will prove to the vault that it may come in, and let it go stale.
# %% [markdown] lang="ja"
# # 2.5 Microsoft Azure 側の準備
#
# *自習書: STEP 2「2.5 Microsoft Azure 側の準備」。所要時間は約 10 分です。*
#
# サイトの準備は終わりましたが、Azure にはまだサブスクリプションしかありません。このノートブックでは、次のことをします。
#
# - 保護に必要な 3 つのもの (資格情報コンテナー、ストレージ アカウント、仮想ネットワーク) を、同じリージョンに作成する。
# - 資格情報コンテナーのポータルに、どんなページがあるかを知る。
# - ダミーの閉じた仮想ネットワークで何ができて、何ができないかを、実験で確かめる。
# - サイトを資格情報コンテナーに登録するための登録キー ファイルを生成し、期限が切れたらどうするかを試す。
# %% [markdown] lang="en"
# ## Where you begin
#
# The three VMs are in the cloud and described (2.4), the subscription is active (2.2).
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンは VMM クラウドに入り、プロパティも設定済みです (2.4)。サブスクリプションは有効です (2.2)。
# %%
import labkit
from labkit import course, portal

lab = course.start("azure-services")
# %% [markdown] lang="en" rules="2.5-2"
# ## Three things, and what each is for
#
# ```text
# site                               Azure, one region
# VMM server  --- names, states --->  vault             metadata, jobs
# host        --- disks ----------->  storage account   replicas, six copies
# clients     --- VPN ------------->  virtual network   VMs after a failover
# ```
#
# The vault is the smallest of the three: it knows servers, clouds and VMs by name, and it runs the jobs. No byte of a disk is
# ever in it. Disks go straight from the hosts to the storage account. The network waits, empty, until a failover starts a VM.
# %% [markdown] lang="ja"
# ## 3 つのものと、それぞれの役割
#
# ```text
# サイト                               Azure (1 つのリージョン)
# VMM サーバー  --- 名前や状態 --->    資格情報コンテナー       メタデータ、ジョブ
# ホスト        --- ディスク ----->    ストレージ アカウント    レプリカ (コピーは 6 つ)
# クライアント  --- VPN ---------->    仮想ネットワーク         フェールオーバー後の仮想マシン
# ```
#
# この中でいちばん小さいのは、資格情報コンテナーです。サーバー、VMM クラウド、仮想マシンの名前を覚え、ジョブを実行するだけで、
# ディスクのデータは 1 バイトも入りません。ディスクは、ホストからストレージ アカウントへ直接送られます。仮想ネットワークは、
# フェールオーバーで仮想マシンが起動するまで、空のまま待っています。
# %% [markdown] lang="en" rules="2.5-1, 2.5-7"
# ## Step 1: the vault
#
# First choose the region. Not every one offers Site Recovery, and each has a partner, the **pair**, of which you will hear more
# below. All three things have to be in the region you choose: a replica can only be started where it lies. Whoever takes
# Japan East for all three, or Japan West, knows that data and VMs stay in Japan. We follow the guide and take East Asia.
# %% [markdown] lang="ja"
# ## 手順 1: 資格情報コンテナー
#
# まず、リージョンを決めます。Site Recovery を提供していないリージョンもあります。また、どのリージョンにも**ペア**になる相手があります
# (詳しくはこのあと)。3 つのものは、すべて同じリージョンに作ります。レプリカは、保存されている場所でしか起動できないからです。3 つとも
# 東日本 (Japan East)、または 3 つとも西日本 (Japan West) にすれば、データも仮想マシンも日本国内にとどまります。ここでは自習書に合わせて、
# 東アジア (East Asia) を使います。
# %%
for name, region in lab.azure.regions.items():
    print(f"{name:18} {region.pair:18} {'Site Recovery' if region.site_recovery else '-'}")
# %% [markdown] lang="en"
# What happens in a region without it?
# %% [markdown] lang="ja"
# 提供していないリージョンを指定すると、どうなるでしょうか。
# %%
try:
    lab.azure.create_vault("MySiteRecovery", "Brazil South")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **In the portal:** `portal.open(lab)` shows it, here or in a cell of your own. In the Management Portal of 2014 the way was
# *+New* > *Data Services* > *Recovery Services* > *Site Recovery vault* > *Quick Create*; the lab has a shorter one: *Azure* >
# *Recovery Services* > *Create vault*. Name `MySiteRecovery`, region East Asia. The list offers only regions that will do.
#
# **In code:** the next cell, if you have not clicked.
# %% [markdown] lang="ja"
# **ポータルで:** `portal.open(lab)` でポータルが開きます (次のセルでも、自分で作ったセルでもかまいません)。2014 年の Microsoft Azure
# 管理ポータルでは [+新規] > [データ サービス] > [復旧] > [SITE RECOVERY コンテナー] > [簡易作成] とたどりました。ラボではもっと短く、
# [Azure] > [復旧サービス] > [コンテナーの作成] です。名前は `MySiteRecovery`、リージョンは East Asia です。一覧には、選べるリージョンだけが
# 表示されます。
#
# **コードで:** クリックしなかった場合は、2 つ先のセルを実行します。
# %%
portal.open(lab)
# %%
if course.todo("create-vault"):
    lab.azure.create_vault("MySiteRecovery", "East Asia")
# %%
course.check("create-vault")
# %% [markdown] lang="en" rules="2.5-3, 2.5-8"
# ## Finding your way
#
# A vault that is opened for the first time shows *Quick Start*. There you choose by a tab (in the guide from the list *Setup recovery*)
# what shall be protected, and where to. The page then lists the steps of that deployment, and ticks what is done.
# %% [markdown] lang="ja"
# ## ポータルの歩き方
#
# 資格情報コンテナーを初めて開くと、[クイック スタート] ページが表示されます。そこのタブ (自習書の画面では [回復のセットアップ] の一覧) で、
# 何をどこに保護するかを選びます。選ぶとその展開の手順が並び、済んだものにはチェックが付きます。
# %%
for setup in lab.vault.setups:
    print(setup.title)
print()
for step in lab.vault.quick_start("azure"):
    print("[x]" if step.done else "[ ]", step.title)
# %% [markdown] lang="en"
# You will come back to that list: it is the table of contents of 2.5 to 3.2. The other pages:
#
# | page | what is on it |
# |---|---|
# | Quick Start | the steps; links for the key and the installers |
# | Dashboard | an overview at a glance |
# | Protected Items | the VMM clouds; in a cloud its *Settings* and *Virtual Machines* |
# | Recovery Plans | plans, made and run |
# | Resources | *Servers* and *Networks* (their mapping) |
# | Jobs | everything that runs or has run |
#
# Commands stand in the bar at the foot of the page; what is not possible now is grey, and says why. Notices of jobs that run or
# have ended appear there, too, with *View job*. A dialog ends with its tick. *Site*, *Azure*, *Site map* and *Lab* belong to the
# lab: they are the other windows you would have open.
# %% [markdown] lang="ja"
# この一覧は、2.5 から 3.2 までの目次のようなものです。あとでまた見ます。ほかのページは次のとおりです。
#
# | ページ | 内容 |
# |---|---|
# | クイック スタート | 手順の一覧、登録キー ファイルとインストーラーのリンク |
# | ダッシュボード | 全体の概要。クイック スタートをスキップすると、ここが開く |
# | 保護された項目 | VMM クラウドの一覧。クラウドの中に [設定] と [仮想マシン] |
# | 復旧計画 | 復旧計画の作成と実行 |
# | リソース | [サーバー] と [ネットワーク] (マッピング) |
# | ジョブ | 実行中のジョブと、これまでのジョブ |
#
# コマンドは、ページの下のバーにあります。今は実行できないコマンドは淡色で表示され、その理由が書かれています。ジョブの開始や完了の通知も
# そこに表示され、[ジョブの表示] でジョブを開けます。ダイアログは OK ボタン (✔) で確定します。[サイト]、[Azure]、[サイト マップ]、
# [ラボ] はラボ独自のページで、実際の作業なら別のウィンドウで開いているはずのものです。
# %% [markdown] lang="en" rules="2.5-5"
# ## Step 2: the storage account
#
# The replicas need a storage account in the vault's region, and a geo-redundant one: three copies in the region and three more in
# its pair. If an earthquake takes your site and Azure's region with it, the disks still exist.
#
# **In the portal:** *Azure* > *Storage accounts* > *Create storage account*: `mysiterecovery`, East Asia, *Geo-Redundant*.
#
# **In code:** the next cell.
# %% [markdown] lang="ja"
# ## 手順 2: ストレージ アカウント
#
# レプリカの保存には、資格情報コンテナーと同じリージョンの、ジオ (主要地域) 冗長のストレージ アカウントが必要です。リージョン内に 3 つ、
# ペアのリージョンにさらに 3 つのコピーが作られます。サイトと Azure のリージョンが同時に被災しても、ディスクは残ります。
#
# **ポータルで:** [Azure] > [ストレージ アカウント] > [ストレージ アカウントの作成] で、`mysiterecovery`、East Asia、
# [ジオ (主要地域) 冗長] を指定します。
#
# **コードで:** 次のセルを実行します。
# %%
if course.todo("create-storage"):
    lab.azure.create_storage("mysiterecovery", "East Asia", "GRS")
# %%
course.check("create-storage")
# %% [markdown] lang="en"
# **Your turn.** In which region are the other three copies? Nobody asked you: it was settled when the account was made, and
# cannot be changed. The account's page shows it (in the guide *Configure*; here the list under *Azure* > *Storage accounts*).
# Answer with `course.answer("second-region", "...")` in the empty cell; the cell after it answers for you if you have not.
# %% [markdown] lang="ja"
# **やってみましょう。** 残りの 3 つのコピーは、どのリージョンにあるでしょうか。作成するときには聞かれませんでした。アカウントの作成と
# 同時に決まり、変更はできません。自習書ではアカウントの [構成] ページ、ラボでは [Azure] > [ストレージ アカウント] の一覧で確認できます。
# 空のセルに `course.answer("second-region", "...")` と書いて答えてください。その次のセルは、まだ答えていなければ代わりに答えます。
# %%
# ...
# %%
course.solve("second-region")
# %%
lab.azure.storage_accounts["mysiterecovery"]
# %% [markdown] lang="en" rules="2.5-6"
# ## Step 3: the virtual network
#
# *Quick Create* makes a closed network in a moment. *Custom Create* asks for subnets, DNS servers and a gateway with a
# site-to-site VPN. Which of them do you need? Do not take anybody's word for it: make both, put a VM into each, and knock.
#
# **In the portal:** *Azure* > *Networks* > *Custom Create*: `AzureNetwork`, East Asia, VPN site-to-site. **In code:** below.
# %% [markdown] lang="ja"
# ## 手順 3: 仮想ネットワーク
#
# [簡易作成] では、閉じたネットワークがすぐにできます。[カスタム作成] では、サブネット、DNS サーバー、サイト間 VPN のゲートウェイを
# 指定します。どちらが必要でしょうか。人の話をうのみにせず、両方作って仮想マシンを 1 台ずつ置き、接続してみましょう。
#
# **ポータルで:** [Azure] > [ネットワーク] > [カスタム作成] で、`AzureNetwork`、East Asia、VPN は site-to-site を指定します。
# **コードで:** 次のセルを実行します。
# %%
if course.todo("create-network"):
    lab.azure.create_network("AzureNetwork", "East Asia", "10.0.0.0/16", vpn="site-to-site")
# %%
course.check("create-network")
# %% [markdown] lang="en"
# Now the experiment. A dummy beside it, a small VM in each, an endpoint to each: which doors open?
# %% [markdown] lang="ja"
# では、実験です。隣にダミーのネットワークを作り、それぞれに小さな仮想マシンを 1 台ずつ置いて、エンドポイントを追加します。
# どの道なら、つながるでしょうか。
# %%
if "Dummy" not in lab.azure.networks:
    lab.azure.quick_network("Dummy", "East Asia")
    for network in ("Dummy", "AzureNetwork"):
        lab.azure.create_machine(f"probe-{network.lower()}", network=network, role=None)
        lab.azure.add_endpoint(f"probe-{network.lower()}", "Remote Desktop", 50000, 3389)
    lab.run("5min")
for network in ("Dummy", "AzureNetwork"):
    page = lab.azure.machine(f"probe-{network.lower()}")
    print(network, page.location, page.internal_address, page.vip, sep="  ")
    for client, target, port in (("site", f"azure:{page.name}", 3389), ("internet", page.dns_name, 50000)):
        found = lab.reach(client, target, port)
        print("   ", " > ".join(found.path) if found.reached else f"{client} > ?  {found.words}")
# %% [markdown] lang="en"
# So the dummy does for everything but one thing: computers of the site do not reach its VMs at their internal address.
# Replication and the way in over a public address ask for no VPN. For an evaluation that is enough; for the day it matters it
# is not. The page of each VM says, too, in which region it runs.
#
# Clean up: VMs cost as long as they are there, and a network that holds one cannot be deleted.
# %% [markdown] lang="ja"
# ダミーのネットワークでは、1 つのことを除いて、すべてができます。できないのは、サイトのコンピューターから内部 IP アドレスで接続することです。
# レプリケーションにも、パブリック仮想 IP (VIP) アドレスのエンドポイントへの接続にも、VPN は要りません。評価にはこれで足りますが、
# いざという日には足りません。また、仮想マシンのページを見れば、どのリージョンで動いているかがわかります。
#
# 後片付けをします。仮想マシンは、ある間は料金がかかります。また、仮想マシンがあるネットワークは削除できません。
# %%
if "Dummy" in lab.azure.networks:
    for name in list(lab.azure.machines):
        lab.azure.delete_machine(name)
    lab.azure.delete_network("Dummy")
list(lab.azure.machines), lab.azure.networks
# %% [markdown] lang="en" rules="2.5-4"
# ## Step 4: the registration key
#
# How does a vault know that a VMM server belongs to you? By a small file that only you can fetch from the portal: the
# **registration key file**. It names the vault, and the provider's setup will ask for it (2.6).
#
# **In the portal:** *Quick Start* > *Prepare VMM servers* > *Generate registration key file*. **In code:** the next cell; it saves
# the file beside your lab.
# %% [markdown] lang="ja"
# ## 手順 4: 登録キー ファイル
#
# VMM サーバーがあなたのものだと、資格情報コンテナーはどうやって知るのでしょうか。ポータルからあなただけがダウンロードできる、小さなファイルが
# 証明します。**登録キー ファイル**です。どの資格情報コンテナーのものかが書かれていて、プロバイダーのセットアップで必要になります (2.6)。
#
# **ポータルで:** [クイック スタート] > [VMM サーバーの準備] > [登録キー ファイルの生成] をクリックします。
# **コードで:** 次のセルを実行します。ファイルは、ラボと同じフォルダーに保存されます。
# %%
key = lab.vault.generate_key(lab.path.parent)
key.name
# %%
course.check("generate-key")
# %% [markdown] lang="en"
# Vault and date are in the name, the date for a reason: the key is good for five days.
#
# ## Something to break
#
# You have generated the key, and then came a long week-end. (For these six days host and VMs are switched off.)
# %% [markdown] lang="ja"
# ファイル名には、コンテナー名と日付が入っています。日付には意味があります。登録キーの有効期間は 5 日間です。
#
# ## 壊して直す
#
# キーを生成したところで、長い連休に入ってしまいました (この 6 日間、ホストと仮想マシンは停止しています)。
# %%
course.trouble("expired-key")
# %%
course.check("expired-key")
# %% [markdown] lang="en"
# **Your turn.** What would you do?
# %% [markdown] lang="ja"
# **やってみましょう。** どうすればよいでしょうか。
# %%
# ...
# %%
course.hint("expired-key")
# %%
course.solve("expired-key")
# %% [markdown] lang="en"
# What does *Quick Start* say now?
# %% [markdown] lang="ja"
# [クイック スタート] は、どう変わったでしょうか。
# %%
for step in lab.vault.quick_start("azure"):
    print("[x]" if step.done else "[ ]", step.title)
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Vault, storage account and virtual network: one region for all three, chosen with care, for none of them can move.
# - The vault holds names and jobs; disks are in the storage account, six times, in two regions.
# - A dummy network is good for everything but reaching the VMs from the site.
# - The registration key is valid for five days, and a new one is a click away.
#
# Next: 2.6, where the site gets provider and agent.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 資格情報コンテナー、ストレージ アカウント、仮想ネットワークは、同じリージョンに作ります。あとから移動できないので、よく考えて選びます。
# - 資格情報コンテナーにあるのは、名前とジョブだけです。ディスクはストレージ アカウントにあり、2 つのリージョンに合わせて 6 つのコピーがあります。
# - ダミーのネットワークでできないのは、サイトから仮想マシンに接続することだけです。
# - 登録キーの有効期間は 5 日間です。新しいキーは、いつでも生成できます。
#
# 次は 2.6 です。サイト側に、プロバイダーとエージェントを展開します。
# %%
course.progress()
