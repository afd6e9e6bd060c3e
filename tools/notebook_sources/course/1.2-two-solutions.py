# %% [markdown] lang="en"
# # 1.2 The two deployments
#
# *In the guide: STEP 1, 1.2 Azure Site Recovery の 2 つのソリューション. About 15 minutes.*
#
# Site Recovery protects a VMM cloud in one of two ways: to a second site of your own, or to Azure. Here you try both with the same
# VM, one after the other. You will
#
# - pair two clouds, and read the pair in the portal's list;
# - find out where a test VM runs when the second site is your own;
# - lose the line between the sites, and mend replication;
# - serve a maintenance of the whole first site, there and back, without losing an order;
# - give the second site up and protect to Azure instead, and see what is there (almost nothing) until the day it is needed.
# %% [markdown] lang="ja"
# # 1.2 Azure Site Recovery の 2 つのソリューション
#
# *自習書: STEP 1「1.2 Azure Site Recovery の 2 つのソリューション」。所要時間は約 15 分です。*
#
# Azure Site Recovery で VMM クラウドを保護する方法は 2 つあります。自社の 2 つ目のサイトに対する保護と、Azure に対する保護です。ここでは、
# 同じ仮想マシンで両方を順に試します。このノートブックでは、次のことをします。
#
# - 2 つのクラウドを組み合わせ、ポータルの一覧でどう表示されるかを読み取る。
# - 2 つ目のサイトが自社のサイトのとき、テスト用の仮想マシンがどこで動くかを確かめる。
# - サイト間の回線が切れたときに、レプリケーションを復旧させる。
# - 1 つ目のサイト全体のメンテナンスのために切り替え、注文を 1 件も失わずに戻ってくる。
# - 2 つ目のサイトをやめて Azure に対する保護に切り替え、必要になる日まで Azure に何があるのか (ほとんど何もありません) を見る。
# %% [markdown] lang="en"
# ## Where you begin
#
# Two sites, each with a VMM server. Both servers are registered with the vault `MySiteRecovery`, so the vault knows their clouds;
# nothing is protected yet.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# サイトが 2 つあり、それぞれに VMM サーバーがあります。どちらのサーバーも資格情報コンテナー `MySiteRecovery` に登録されているので、
# コンテナーは両方の VMM クラウドを知っています。まだ何も保護されていません。
# %%
import tempfile
from pathlib import Path

import labkit
from labkit import course, portal, views
from labkit.views import sitemap

lab = course.start("two-solutions")
# %% [markdown] lang="en" rules="1.2-1"
# ## The two deployments in one picture
#
# On the left **site to site**: a protected cloud is backed by a recovery cloud, which another VMM server (or the same one) manages. On the right **site
# to Azure**: Azure stands where the recovery cloud stood. In both the vault only directs: what it holds is metadata, the
# disks go straight from host to host, or from host to storage account.
# %% [markdown] lang="ja"
# ## 2 つの展開方法の図
#
# 左が**オンプレミスからオンプレミスのサイト回復**です。保護されたクラウドを、別の (または同じ) VMM サーバーが管理する復旧クラウドがバックアップします。
# 右が**オンプレミスから Azure のサイト回復**です。復旧クラウドの位置に Azure が入ります。どちらの場合も、資格情報コンテナーは指示を出すだけで、
# 持っているのはメタデータです。ディスクの内容は、ホストからホストへ、またはホストからストレージ アカウントへ、直接送られます。
# %%
sitemap.picture("deployments")
# %% [markdown] lang="en" rules="1.2-7"
# In the portal the deployment is chosen first, on *Quick Start* (in the guide from the list *Setup recovery*, here by a tab); the page then shows its steps.
# A third entry is no deployment of Hyper-V at all:
# %% [markdown] lang="ja"
# ポータルでは、最初に [クイック スタート] で展開方法を選びます (自習書の画面では [回復のセットアップ] の一覧、ここではタブです)。すると、その方法の手順が表示されます。
# 3 つ目の選択肢は、Hyper-V のものではありません。
# %%
for setup in lab.vault.setups:
    print(f"{setup.title}\n    {setup.note}")
# %% [markdown] lang="en"
# A readiness report of an inventory (1.4) says the same of each such machine. Here is one of a single line:
# %% [markdown] lang="ja"
# インベントリの準備状況のレポート (1.4) でも、そのようなマシンごとに同じことが示されます。1 行だけのインベントリで試します。
# %%
with tempfile.TemporaryDirectory() as folder:
    inventory = Path(folder, "inventory.csv")
    inventory.write_text("VMName,Platform\nERP01,VMware\n", "utf-8")
    print(labkit.readiness(inventory).machines[0].findings[0].error)
# %% [markdown] lang="en"
# ## Step 1: pair the clouds
#
# **In the portal** (`portal.open(lab, "items")` in a cell of your own): on *Protected Items* choose `Primary Cloud`, then *Protection configuration* in
# the bar; *Target*: `Backup Cloud - 2ndDC`; *Copy frequency* 5 minutes.
# %% [markdown] lang="ja"
# ## 手順 1: クラウドを組み合わせる
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items")` を実行し、[保護された項目] で `Primary Cloud` を選び、バーの [保護の構成] をクリックします。
# [ターゲット] に `Backup Cloud - 2ndDC` を、[コピーの頻度] に 5 分を指定します。
# %%
if course.todo("pair-clouds"):
    lab.vault.configure_protection("Primary Cloud", target="Backup Cloud - 2ndDC", wait=True)
course.check("pair-clouds")
# %% [markdown] lang="en" rules="1.2-2"
# The list of clouds now. **How many rows has the pair?** Look at the roles, and at the two columns of the target: the other
# side's server and its cloud.
#
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# 現在のクラウドの一覧です。**組み合わせは何行で表示されていますか。** ロールと、ターゲットの 2 つの列 (相手側のサーバーとクラウド) を
# 見てください。`protected` は「保護されたクラウド」、`recovery` は「復旧クラウド」、`configured` は「構成済み」です。
#
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
for row in lab.vault.clouds:
    print(f"{row.name:22} {row.role:10} {row.state:11} {row.server:22} {row.vms}  {row.target} / {row.target_cloud}")
# %%
# course.answer("rows-of-a-pair", ...)
course.hint("rows-of-a-pair")
# %%
course.solve("rows-of-a-pair")
# %% [markdown] lang="en" rules="2.7-11"
# ### What is asked site to site, and what is not
#
# The settings of the pair. They are those of Hyper-V Replica: additional recovery points by number, compression, authentication with its
# port, initial replication over the network or by export, and whether the replica goes with the protection. A setting of the
# other deployment, such as the hours that recovery points are kept in Azure, is refused:
# %% [markdown] lang="ja"
# ### オンプレミスからオンプレミスで指定するもの
#
# この組み合わせの設定です。追加の復旧ポイントの数、圧縮、認証とポート、初期レプリケーションの方法 (ネットワークまたはエクスポート)、保護の解除と
# 一緒にレプリカを削除するかどうか、という Hyper-V レプリカの設定が並びます。もう一方の展開方法の設定、たとえば Azure の復旧ポイントの保持期間は
# 拒否されます。
# %%
for name, value in lab.vault.settings("Primary Cloud").items():
    print(f"{name:15} {value}")
try:
    lab.vault.change_protection("Primary Cloud", retention=4, wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# ## Step 2: protect the VM
#
# **In the portal:** *Protected Items* > `Primary Cloud` > *Virtual Machines* > *Add virtual machines*, choose `MYWSV01`; then let time
# pass until its state is *Protected - OK*.
# %% [markdown] lang="ja"
# ## 手順 2: 仮想マシンを保護する
#
# **ポータルで:** [保護された項目] > `Primary Cloud` > [仮想マシン] > [仮想マシンの追加] で `MYWSV01` を選びます。そのあと、状態が
# [保護済み - OK] になるまで時間を進めます。
# %%
if course.todo("protect-to-site"):
    lab.vault.enable_protection("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])
course.check("protect-to-site")
# %% [markdown] lang="en" rules="1.2-8"
# ### Where does a test VM run?
#
# From here on the two deployments differ more than their pictures do. Start a test failover, look where the test VM is, and complete the
# test.
# %% [markdown] lang="ja"
# ### テスト用の仮想マシンはどこで動くか
#
# ここから先は、図よりも大きな違いがあります。テスト フェールオーバーを始めて、テスト用の仮想マシンがどこにあるかを見てから、テストを完了します。
# %%
if "TestFailover" in lab.vault.items["MYWSV01"].allowed_operations:
    lab.vault.test_failover("MYWSV01", wait=True)
    lab.run("3min")
    print("HV11: ", {name: machine.state for name, machine in lab.hyperv.machines.items()})
    print("Azure:", dict(lab.azure.machines))
    lab.vault.complete_test("MYWSV01", wait=True)
# %% [markdown] lang="en"
# | | site to site | site to Azure |
# | --- | --- | --- |
# | test VM | on the replica's host; no network, an existing one, or one made for the test | in Azure (3.3) |
# | planned failover | turns replication round by itself | needs a commit; not turned round (3.4) |
# | unplanned failover | the VM is unprotected until you reverse | not turned round either (3.5) |
# | failback | one more planned failover; after an unplanned one, reverse first | one planned failover, with a choice of how to send the changes (3.6) |
# | certificate for encrypted data | never asked for | asked for if the cloud is encrypted |
# | VM generation, guest | 1 and 2 | 1 only, and more rules (1.4) |
#
# ## Something to break: the line between the sites
# %% [markdown] lang="ja"
# | | オンプレミスからオンプレミス | オンプレミスから Azure |
# | --- | --- | --- |
# | テスト用の仮想マシン | レプリカのホスト上。ネットワークはなし、既存のもの、テスト用に作るもののいずれか | Azure (3.3) |
# | 計画されたフェールオーバー | レプリケーションが自動で反転する | コミットが必要。反転しない (3.4) |
# | 計画されていないフェールオーバー | 反転するまで保護されない | 同じく反転しない (3.5) |
# | フェールバック | もう一度計画されたフェールオーバー。計画されていないフェールオーバーのあとは、先に反転 | 計画されたフェールオーバー 1 回。変更の送り方を選ぶ (3.6) |
# | 暗号化証明書 | 求められない | 保存データを暗号化したクラウドでは必要 |
# | 仮想マシンの世代など | 第 1 世代と第 2 世代 | 第 1 世代のみ。ほかにも要件がある (1.4) |
#
# ## 壊して直す: サイト間の回線
# %%
course.trouble("between-sites-lost")
# %%
course.check("between-sites-lost")
# %% [markdown] lang="en"
# **Your turn.** The line itself is on *Lab* > *Faults*: *Bring the line back*, *Inter-site line*. Replication that has failed tries again at longer and
# longer intervals, up to half an hour; *Site* > *Hyper-V* > *Resume replication* tries at once. So run the check again when the line is back.
# %% [markdown] lang="ja"
# **やってみましょう。** 回線は [ラボ] > [障害] ページにあります ([回線の復旧] で [サイト間の回線] を選びます)。失敗したレプリケーションは、
# 間隔を空けながら (最長 30 分) 自動的に再試行されます。すぐに試すには [サイト] > [Hyper-V] > [レプリケーションの再開] です。回線が戻ったら、
# もう一度チェックのセルを実行してください。
# %%
# ...
# %%
course.hint("between-sites-lost")
# %%
course.solve("between-sites-lost")
# %% [markdown] lang="en" rules="1.2-4"
# ## Step 3: maintenance of the whole first site
#
# The building gets new power lines. A **planned failover** shuts the VM down, sends the rest, and starts it in the recovery cloud.
#
# **In the portal:** *Protected Items* > `Primary Cloud` > *Virtual Machines* > `MYWSV01` > *Planned failover*.
# %% [markdown] lang="ja"
# ## 手順 3: 1 つ目のサイト全体のメンテナンス
#
# 建物の電源工事があります。**計画されたフェールオーバー**は、仮想マシンをシャットダウンし、残りを送り、復旧クラウドで起動します。
#
# **ポータルで:** [保護された項目] > `Primary Cloud` > [仮想マシン] で `MYWSV01` を選び、[計画されたフェールオーバー] をクリックします。
# %%
if course.todo("site-switch"):
    lab.vault.planned_failover("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])
course.check("site-switch")
# %% [markdown] lang="en" rules="1.2-3"
# ## Step 4: and back
#
# For six hours the shop sells at the second site, and its disks change there. Failback first brings every one of these changes home, and
# only then starts the VM. Site to site it is the same command, in the other direction.
# %% [markdown] lang="ja"
# ## 手順 4: 元のサイトに戻る
#
# 店は 6 時間、2 つ目のサイトで営業し、ディスクはそこで変わっていきます。フェールバックは、その変更をすべて元のサイトに反映してから、仮想マシンを
# 起動します。オンプレミスからオンプレミスでは、同じ操作を逆向きに実行するだけです。
# %%
if course.todo("site-back"):
    lab.run("6h")
    lab.vault.planned_failover("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])
course.check("site-back")
# %%
views.failovers(lab)[["operation", "rpo", "orders", "equal"]]
# %% [markdown] lang="en" rules="F-2"
# The first row is your test: the state that arrived last (`rpo` is its age, little over five minutes at the most). In the other two, there and back, nothing is
# lost: `rpo` (in seconds) and `orders` are zero. `equal` says that what started is, byte by byte, the site's disk as of its recovery point; it is so in a test, too.
#
# ## Step 5: Azure instead of a second site
#
# A second site costs a building, servers, licences, a line. The board gives it up. The same cloud is to be protected to Azure; try it:
# %% [markdown] lang="ja"
# 1 行目はテストで、最後に届いた時点の状態です (`rpo` がその古さで、長くても 5 分あまりです)。あとの 2 行 (行きと帰り) では、失われた時間 (`rpo`、秒) も注文 (`orders`) もゼロで、
# `equal` は、起動したディスクの中身が、復旧ポイントの時点のサイトのディスクとバイト単位で一致するという意味です (テストでも一致します)。
#
# ## 手順 5: 2 つ目のサイトの代わりに Azure を使う
#
# 2 つ目のサイトには、建物、サーバー、ライセンス、回線の費用がかかります。会社はこれをやめることにしました。同じクラウドを Azure に対して保護します。
# まず、そのまま試してみます。
# %%
for attempt in (lab.vault.configure_protection, lab.vault.release_cloud):
    try:
        attempt("Primary Cloud")
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# So the order is: protection of **all** VMs of the cloud off, the cloud released, the cloud configured anew, the VMs enabled again. For
# Azure each host needs the agent beside, and VMM, hosts and VMs have to meet more requirements (1.4). Here they do.
#
# **Your turn.** In the portal: *Disable protection for the virtual machine*, *Remove protection (of a cloud)*, *Protection configuration*
# with the target *Microsoft Azure*, *Add virtual machines*. Each job has to end before the next step.
# %% [markdown] lang="ja"
# 順序は、クラウドの**すべて**の仮想マシンの保護を無効にし、クラウドの保護を解除し、クラウドを構成し直し、仮想マシンの保護をもう一度有効にする、です。
# Azure に対する保護では、各ホストにエージェントが必要で、VMM、ホスト、仮想マシンの要件も増えます (1.4)。ここでは満たしています。
#
# **やってみましょう。** ポータルでは、[仮想マシンの保護の無効化]、[保護の解除]、ターゲットを [Microsoft Azure] にした [保護の構成]、
# [仮想マシンの追加] の順です。それぞれ、ジョブが完了してから次に進みます。
# %%
# ...
# %%
course.hint("to-azure")
# %%
course.solve("to-azure")
# %% [markdown] lang="en" rules="1.2-5"
# And what is in Azure now? The disks of the VM in the storage account, and **no VM**: one is made when a failover starts, and not before.
# So the bill so far has protection, storage and traffic, but no minute of compute:
# %% [markdown] lang="ja"
# では、今 Azure には何があるのでしょうか。ストレージ アカウントに仮想マシンのディスクがあり、**仮想マシンはありません**。フェールオーバーが始まるまで
# 作られないからです。料金明細にあるのは保護、ストレージ、転送だけで、コンピューティングは 0 分です。
# %%
print(dict(lab.azure.machines))
for name, component in lab.azure.bill().components.items():
    print(f"{name:21} {component.quantity}")
# %% [markdown] lang="en" rules="1.2-6"
# ## And after a failover to Azure?
#
# First the picture of ordinary running: clients reach the servers at the site, and in Azure there are replicas only.
# %% [markdown] lang="ja"
# ## Azure へのフェールオーバーのあとは
#
# まず、通常時の図です。クライアントはサイトのサーバーに接続し、Azure にあるのはレプリカだけです。
# %%
sitemap.picture("ordinary")
# %% [markdown] lang="en"
# Then the day it is needed: the site's VMs are off, those in Azure stand on a virtual network that a **site-to-site VPN** joins with
# the corporate network. Clients use the name they always used, and need not be changed. You will build this in 2.5 and walk through it in
# 3.1.
# %% [markdown] lang="ja"
# 次は、必要になった日の図です。サイトの仮想マシンは停止し、Azure の仮想マシンは、**サイト間 VPN** で企業ネットワークとつながった仮想ネットワーク上にあります。
# クライアントはいつもと同じ名前で接続でき、設定を変える必要はありません。2.5 でこれを作り、3.1 で確かめます。
# %%
sitemap.picture("after-failover")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Site to site: a protected cloud and a recovery cloud, two rows in the list; the disks stay with you. Hyper-V Replica does the work.
# - Site to Azure: storage in place of a second site. No VM, and no compute on the bill, until a failover starts.
# - A planned failover serves maintenance, too: nothing is lost, there and back.
# - Sections 3.3 to 3.6 are about site to Azure; site to site differs in tests, in turning round, and in failback.
# - From one deployment to the other: all VMs off, the cloud released, configured anew.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - オンプレミスからオンプレミス: 保護されたクラウドと復旧クラウドの組み合わせで、一覧では 2 行になります。ディスクは自社に置かれ、動かしているのは
#   Hyper-V レプリカです。
# - オンプレミスから Azure: 2 つ目のサイトの代わりにストレージを使います。フェールオーバーが始まるまで、仮想マシンはなく、コンピューティングの料金も
#   かかりません。
# - 計画されたフェールオーバーはメンテナンスにも使えます。行きも帰りも、何も失われません。
# - 3.3 から 3.6 はオンプレミスから Azure の説明です。オンプレミスからオンプレミスでは、テスト、反転、フェールバックが異なります。
# - 展開方法を変えるには、すべての仮想マシンの保護を無効にし、クラウドの保護を解除して、構成し直します。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
