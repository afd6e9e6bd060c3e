# %% [markdown] lang="en"
# # 2.3 VMM: set-up, hosts, a cloud
#
# *In the guide: STEP 2, 2.3 VMM のインストールと構成. About 15 minutes.*
#
# Site Recovery protects clouds of **Virtual Machine Manager (VMM)**, so this comes first. You will
#
# - put under VMM what it stands on, in the right order and in the right versions;
# - go through its setup wizard page by page;
# - bring the host `HV01` under it, with the right credentials and with the wrong ones;
# - make the cloud `OnPremise Cloud`, and forget a tick that many forget;
# - find out why VMM has fallen silent.
# %% [markdown] lang="ja"
# # 2.3 VMM のインストールと構成
#
# *自習書: STEP 2「2.3 VMM のインストールと構成」。所要時間は約 15 分です。*
#
# Azure Site Recovery が保護するのは **Virtual Machine Manager (VMM)** のクラウドです。そのため、VMM から準備します。このノートブックでは、
# 次のことをします。
#
# - VMM の前提になるものを、正しい順序と正しいバージョンでインストールする。
# - セットアップ ウィザードを 1 ページずつ進む。
# - 正しい資格情報と間違った資格情報で、ホスト `HV01` を追加してみる。
# - VMM クラウド `OnPremise Cloud` を作成し、忘れやすいチェックを、わざと忘れてみる。
# - VMM が応答しなくなった原因を突き止める。
# %% [markdown] lang="en" rules="1.4-1"
# ## Where you begin
#
# The site of 2.1 with a subscription. `SC01` is to be the VMM server; nothing is installed on it. It gets **System Center 2012 R2**: for
# protection to Azure no older VMM will do.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 2.1 のサイトに、サブスクリプションがある状態です。`SC01` を VMM 管理サーバーにしますが、まだ何もインストールされていません。
# インストールするのは **System Center 2012 R2** です。Azure に対する保護には、それより古い VMM は使えません。
# %%
import labkit
from labkit import course, portal

lab = course.start("vmm")
# %% [markdown] lang="en"
# ## What stands on what
#
#     OnPremise Cloud            (make-cloud)     a boundary round host groups: what Site Recovery protects
#     host HV01                  (add-host)       gets VMM's agent
#     Update Rollup 3            (update-rollup)
#     VMM 2012 R2                (vmm-setup)
#     SQL Server    Windows ADK  (sql-server, adk)
#     .NET 3.5                   (dotnet)
#
# What if somebody begins in the middle? Each refusal names what is missing:
# %% [markdown] lang="ja"
# ## 何が何の上にあるか
#
#     make-cloud        OnPremise Cloud: ホスト グループを囲む境界。Azure Site Recovery の保護の単位
#     add-host          ホスト HV01: VMM のエージェントが入る
#     update-rollup     更新ロールアップ 3
#     vmm-setup         VMM 2012 R2
#     sql-server, adk   SQL Server、Windows ADK
#     dotnet            .NET Framework 3.5
#
# 途中から始めると、どうなるでしょうか。足りないものが、順に示されます。
# %%
if course.todo("dotnet"):
    try:
        lab.site.install_vmm(accept_licence=True)
    except labkit.LabError as refused:
        print(refused)
    try:
        lab.site.install("SC01", "SQL Server 2012 SP1")
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en" rules="2.3-2"
# ## Step 1: .NET Framework 3.5
#
# Some components of SQL Server need it. Windows Server 2012 R2 has it, but does not install it by itself.
#
# **In the portal** (`portal.open(lab, "site", "servers")` in a cell of your own): choose `SC01`, *Add roles and features*.
# %% [markdown] lang="ja"
# ## 手順 1: .NET Framework 3.5
#
# SQL Server のコンポーネントのいくつかに必要です。Windows Server 2012 R2 はサポートしていますが、既定ではインストールされません。
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "site", "servers")` を実行し、`SC01` を選んで [役割と機能の追加] をクリックします。
# %%
if course.todo("dotnet"):
    lab.site.add_feature("SC01", ".NET Framework 3.5")
course.check("dotnet")
# %% [markdown] lang="en" rules="2.3-1"
# ## Step 2: SQL Server
#
# VMM keeps its database in a SQL Server, on its own server or on another one: **2008 R2 SP1 or SP2, 2012, 2012 SP1**. Newest is not best here: 2012
# SP2 and 2014 are not supported. Of its components the database engine and the management tools are needed. A colleague has a SQL
# Server 2014 on `DC01`; could VMM use that one? Only VMM's setup could tell, and this comes last, so take note for step 4.
#
# **In the portal:** *Site* > *Servers*, `SC01`, *Install*.
# %% [markdown] lang="ja"
# ## 手順 2: SQL Server
#
# VMM のデータベースは、ローカルまたはリモートの SQL Server に置きます。使えるのは **2008 R2 SP1 または SP2、2012、2012 SP1** です。新しければよいわけでは
# なく、2012 SP2 と 2014 はサポートされません。コンポーネントは、データベース エンジン サービスと管理ツールが必要です。同僚が `DC01` に
# SQL Server 2014 を入れました。VMM で使えるでしょうか。わかるのは VMM のセットアップのときです (手順 4 で試します)。
#
# **ポータルで:** [サイト] > [サーバー] で `SC01` を選び、[インストール] をクリックします。
# %%
if not lab.site.server("DC01").software:
    lab.site.add_feature("DC01", ".NET Framework 3.5")
    lab.site.install("DC01", "SQL Server 2014")
if course.todo("sql-server"):
    lab.site.install("SC01", "SQL Server 2012 SP1")
course.check("sql-server")
# %% [markdown] lang="en" rules="2.3-3"
# ## Step 3: the Windows ADK
#
# The Assessment and Deployment Kit for Windows 8.1 Update; of its parts VMM needs *Deployment Tools* and *Windows PE*. First without it:
# %% [markdown] lang="ja"
# ## 手順 3: Windows ADK
#
# Windows 8.1 Update 用の Windows アセスメント & デプロイメント キットです。VMM に必要なのは、Deployment Tools と Windows PE です。まず、入れずに
# 試してみます。
# %%
if course.todo("adk"):
    try:
        lab.site.install_vmm(accept_licence=True)
    except labkit.LabError as refused:
        print(refused)
    lab.site.install("SC01", "Windows ADK")
course.check("adk")
# %% [markdown] lang="en" rules="2.3-4"
# ## Step 4: the setup of VMM
#
# **In the portal:** *Site* > *Servers*, `SC01`, *Set up VMM*: the wizard opens, and you go through it page by page.
#
# **In code** the same wizard, with what each page offers. The cell accepts every default and the licence terms, goes to the last page, and cancels instead of installing:
# %% [markdown] lang="ja"
# ## 手順 4: VMM のセットアップ
#
# **ポータルで:** [サイト] > [サーバー] で `SC01` を選び、[VMM のセットアップ] をクリックします。ウィザードが開くので、1 ページずつ進みます。
#
# **コードで**も、同じウィザードを使えます。各ページの項目と既定値を表示します。次のセルは、既定値のまま、使用許諾契約書に同意して最後のページまで
# 進み、インストールせずにキャンセルします。
# %%
if course.todo("vmm-setup"):
    setup = lab.site.wizard("vmm-setup")
    pages = setup.pages
    while True:
        print(f"{pages.index(setup.page) + 1:2} {setup.page}")
        for field in setup.fields:
            print(f"      {field.title}: {field.value}")
        if setup.page == pages[-1]:
            break
        accept = any(field.name == "accept_licence" for field in setup.fields)
        setup.next(**({"accept_licence": True} if accept else {}))
    setup.cancel()
# %% [markdown] lang="en"
# Four places at which one can go wrong. The database: *New database* on this server, or a remote one with server, port (usually 1433), credentials
# and instance. The ports: one that another service uses has to be given another number. The library share grows, so a volume of its
# own is better than C:. And the licence terms. Try three of them:
# %% [markdown] lang="ja"
# 間違えやすいところが 4 つあります。データベースは、このサーバーに新しく作るか、リモートのサーバー (サーバー名、ポート (通常は 1433)、資格情報、
# インスタンス名) を指定します。ポートは、別のサービスと重複したら、代わりの番号にします。ライブラリ共有は大きくなるので、C: とは別のボリュームの
# ほうがよいでしょう。最後に、使用許諾契約書です。3 つを試してみます。
# %%
colleague = {"sql_server": "DC01", "sql_port": "1433", "sql_credentials": r"DEMO\Administrator"}
for pages in ({}, {"accept_licence": True, "console_port": 1433}, {"accept_licence": True, **colleague}):
    try:
        if course.todo("vmm-setup"):
            lab.site.install_vmm(**pages)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# Now with the defaults:
# %% [markdown] lang="ja"
# 今度は、既定値でインストールします。
# %%
if course.todo("vmm-setup"):
    lab.site.install_vmm(accept_licence=True)
course.check("vmm-setup")
# %% [markdown] lang="en" rules="2.3-5"
# ## Step 5: updates
#
# Soon after setup comes Windows Update. Update Rollup 3 (July 2014, KB 2965090) can be applied to VMM. What it must **not** bring is SP2 for SQL
# Server 2012.
#
# **In the portal:** *Site* > *Servers*, `SC01`, *Update*.
# %% [markdown] lang="ja"
# ## 手順 5: 更新プログラム
#
# セットアップのあとは、できるだけ早く Windows Update を実行します。VMM には更新ロールアップ 3 (2014 年 7 月、KB 2965090) を適用できます。適用しては
# **いけない**のは、SQL Server 2012 SP2 です。
#
# **ポータルで:** [サイト] > [サーバー] で `SC01` を選び、[更新プログラム] をクリックします。
# %%
try:
    lab.site.update("SC01", "SQL Server 2012 SP2")
except labkit.LabError as refused:
    print(refused)
# %%
if course.todo("update-rollup"):
    lab.site.update("SC01", "UR3")
course.check("update-rollup")
# %% [markdown] lang="en" rules="2.3-6"
# ## Step 6: add the host
#
# **In the portal:** *Site* > *VMM console* > *Add Hyper-V hosts and clusters*. The wizard asks where the computers are, for credentials, for names
# (of a cluster its name), which of those found are meant, and for the host group.
#
# The credentials have to be a domain administrator's, or equal to that:
# %% [markdown] lang="ja"
# ## 手順 6: ホストを追加する
#
# **ポータルで:** [サイト] > [VMM コンソール] > [Hyper-V ホストとクラスターの追加] をクリックします。リソースの場所、資格情報、名前 (クラスターの場合は
# クラスター名)、見つかったもののうちどれを追加するか、ホスト グループを順に指定します。
#
# 資格情報は、ドメイン管理者か、同等の権限を持つアカウントのものが必要です。
# %%
for account in (r"DEMO\Operator", r"DEMO\Administrator"):
    if course.todo("add-host"):
        try:
            lab.site.vmm.add_host("HV01", credentials=account, wait=True)
        except labkit.LabError as refused:
            print(refused)
course.check("add-host")
# %% [markdown] lang="en"
# It was a job, with its tasks. The Hyper-V role is enabled where it is missing; `HV01` has it.
# %% [markdown] lang="ja"
# ホストの追加はジョブとして実行されました。Hyper-V の役割がなければ有効化されますが、`HV01` では有効になっていたので、スキップされています。
# %%
job = [job for job in lab.jobs.values() if job.target == "HV01"][-1]
for task in job.tasks:
    print(f"{task.state:10} {task.title}")
# %% [markdown] lang="en" rules="2.3-7, 2.3-8"
# Two things are there now that nobody has made. The host group *All Hosts* existed from the start; you can make others, and move hosts at any
# time. And a **logical network** has come with the host: it has the name of the host's virtual switch, and you will map it in 2.7.
# %% [markdown] lang="ja"
# 誰も作っていないものが 2 つあります。ホスト グループ「すべてのホスト (All Hosts)」は最初からあります。ほかのグループを作ったり、いつでもホストを
# 移動したりできます。**論理ネットワーク**は、ホストの仮想スイッチと同じ名前で自動的に作成されました。2.7 でマップします。
# %%
console = lab.site.vmm
if "Spare hosts" not in console.host_groups:
    console.create_host_group("Spare hosts")
    for group in ("Spare hosts", "All Hosts"):
        console.move_host("HV01", group)
        print(console.hosts)
console.host_groups, console.logical_networks
# %% [markdown] lang="en" rules="2.3-9"
# ## Step 7: the cloud
#
# **In the portal:** *Site* > *VMM console* > *Create cloud*. Its wizard has many pages; Site Recovery needs something on three of them: the
# host groups, the logical networks, and the **capability profiles**. Those in between can stay as they are.
# %% [markdown] lang="ja"
# ## 手順 7: クラウドを作成する
#
# **ポータルで:** [サイト] > [VMM コンソール] > [クラウドの作成] をクリックします。ページは多いのですが、Azure Site Recovery のために必要なのは、
# ホスト グループ、論理ネットワーク、**機能プロファイル**の 3 つです。間のページは、そのままでかまいません。
# %%
wizard = lab.site.wizard("create-cloud")
print(*wizard.pages, sep=" > ")
wizard.cancel()
# %% [markdown] lang="en"
# Make it, and forget the last one. VMM has no objection:
# %% [markdown] lang="ja"
# 最後の機能プロファイルを忘れて作成してみます。VMM は何も言いません。
# %%
if "OnPremise Cloud" not in lab.site.vmm.clouds:
    lab.site.vmm.create_cloud("OnPremise Cloud", networks=["VirtualSwitch - FrontEnd"])
course.check("make-cloud")
# %% [markdown] lang="en"
# The check has an objection, and so would Site Recovery, much later: the cloud could even be sent to the vault, and then configuring its protection
# would fail (2.7).
#
# **Your turn.** An existing cloud gets the tick in its properties: *Site* > *VMM console*, the cloud, *Properties of the cloud*.
#
# `course.solve` does a step for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# チェックでは指摘されます。Azure Site Recovery で指摘されるのは、ずっとあとです。クラウドをコンテナーに同期することはできても、保護の構成が失敗します
# (2.7)。
#
# **やってみましょう。** 既存のクラウドでは、プロパティでチェックを付けます。[サイト] > [VMM コンソール] でクラウドを選び、[クラウドのプロパティ] を
# クリックします。
#
# `course.solve` は、まだ済んでいなければ、代わりに手順を実行します。自分で試している間は、このセルを飛ばしてください。
# %%
# ...
# %%
course.hint("make-cloud")
# %%
course.solve("make-cloud")
# %% [markdown] lang="en"
# ## Something to break
# %% [markdown] lang="ja"
# ## 壊して直す
# %%
course.trouble("vmm-stopped")
# %%
course.check("vmm-stopped")
# %% [markdown] lang="en"
# **Your turn.** The server runs, VMM is installed, and still nobody answers. Ask it for anything, and read what you get.
# %% [markdown] lang="ja"
# **やってみましょう。** サーバーは動いていて、VMM もインストールされているのに、応答がありません。VMM に何かを頼んで、返ってきたものを読んでください。
# %%
try:
    lab.site.vmm.create_host_group("Test")
except labkit.LabError as refused:
    print(refused)
# %%
course.hint("vmm-stopped")
# %%
course.solve("vmm-stopped")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - .NET Framework 3.5, SQL Server (2012 SP1 at most), Windows ADK, then VMM 2012 R2, then Update Rollup 3; never SQL Server 2012 SP2.
# - Hosts are added with a domain administrator's credentials, as a job; their virtual switches become logical networks.
# - A cloud needs host groups, a logical network, and the capability profile **Hyper-V**.
# - A refusal tells what is missing. When VMM is silent, look at its service.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - .NET Framework 3.5、SQL Server (2012 SP1 まで)、Windows ADK、VMM 2012 R2、更新ロールアップ 3 の順です。SQL Server 2012 SP2 は適用しません。
# - ホストは、ドメイン管理者の資格情報で追加します。ジョブとして実行され、仮想スイッチは論理ネットワークになります。
# - クラウドには、ホスト グループ、論理ネットワーク、機能プロファイル **Hyper-V** が必要です。
# - 拒否されたら、足りないものが示されます。VMM が応答しないときは、サービスを確認します。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
