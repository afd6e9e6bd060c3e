# %% [markdown] lang="en" rules="1.1-8"
# # 2.1 The evaluation site
#
# *In the guide: STEP 2, 2.1 評価環境のシステム構成. About 5 minutes.*
#
# **STEP 2, the set-up.** From bare servers to protected VMs, in one lab that goes with you from notebook to notebook. When you are through
# with 2.1 to 2.9 you can
#
# - set up VMM, bring hosts under it, and make a cloud (2.3), and prepare the VMs to be protected (2.4);
# - make the services on Azure's side: vault, storage account, virtual network (2.5);
# - install the components at the site, provider and agent (2.6);
# - configure the protection of a cloud (2.7) and enable that of its VMs (2.8);
# - watch replication, and tell healthy from sick (2.9).
#
# In this notebook you only look round. You will
#
# - meet the servers and VMs of the evaluation site by name;
# - learn how time passes in the lab: not at all, unless somebody lets it;
# - make an account that you will need in 2.3;
# - find out why all VMs have stopped answering.
# %% [markdown] lang="ja"
# # 2.1 評価環境のシステム構成
#
# *自習書: STEP 2「2.1 評価環境のシステム構成」。所要時間は約 5 分です。*
#
# **STEP 2 の目標 (サービスの導入)。** 何もないサーバーから仮想マシンの保護までを、ノートブックからノートブックへ引き継ぐ 1 つのラボで進めます。
# 2.1 から 2.9 までを終えると、次のことができるようになります。
#
# - VMM をインストールしてホストを追加し、VMM クラウドを作成する (2.3)。保護する仮想マシンを準備する (2.4)。
# - Azure 側のサービス (資格情報コンテナー、ストレージ アカウント、仮想ネットワーク) を準備する (2.5)。
# - オンプレミス側のコンポーネント (プロバイダーとエージェント) を展開する (2.6)。
# - VMM クラウドの保護を構成し (2.7)、仮想マシンの保護を有効にする (2.8)。
# - レプリケーションの正常性を監視し、異常を見分ける (2.9)。
#
# このノートブックでは、まず環境を見て回ります。次のことをします。
#
# - 評価環境のサーバーと仮想マシンの名前を知る。
# - ラボの時間の進み方を知る。進めないかぎり、時間は止まっています。
# - 2.3 で必要になるアカウントを作る。
# - すべての仮想マシンが応答しなくなった原因を突き止める。
# %% [markdown] lang="en"
# ## Where you begin
#
# A company with one site. Nothing is set up: no VMM, no Azure subscription.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# サイトが 1 つの会社です。VMM も Azure のサブスクリプションも、まだありません。
# %%
import labkit
from labkit import course, portal, views
from labkit.views import sitemap

lab = course.start("evaluation-site")
# %% [markdown] lang="en" rules="2.1-1"
# ## The site, as it is meant to become
#
# On the left the site; on the right what you will make in Azure in 2.5 (there the network gets a VPN to the site as well).
# %% [markdown] lang="ja"
# ## 完成したときの姿
#
# 左がサイト、右が 2.5 で Azure に作るものです (2.5 では、仮想ネットワークにサイトとの VPN も付けます)。
# %%
sitemap.picture("evaluation-site")
# %% [markdown] lang="en"
# Three servers on Windows Server 2012 R2. `DC01` is the domain controller of demo.contoso.com; the others are members. `SC01` will get
# VMM. On `HV01` the Hyper-V role is enabled, and an external virtual switch is made.
# %% [markdown] lang="ja"
# サーバーは 3 台で、すべて Windows Server 2012 R2 です。`DC01` はドメイン demo.contoso.com のドメイン コントローラーで、ほかの 2 台はドメインに
# 参加しています。`SC01` には VMM を入れます。`HV01` では Hyper-V の役割が有効で、外部ネットワーク用の仮想スイッチが作成されています。
# %%
for name, role in lab.site.servers.items():
    one = lab.site.server(name)
    print(f"{one.fqdn:22} {role:18} {one.os:23} {one.features} {one.switches} {one.software}")
# %% [markdown] lang="en"
# And the VMs: a Windows server with a shop on it, a FreeBSD server, and a third one that stands by.
# %% [markdown] lang="ja"
# 次は仮想マシンです。店のシステムが動く Windows Server、FreeBSD のサーバー、待機用の 3 台目です。
# %%
for name, one in lab.site.machines.items():
    print(f"{name:9} {one.os:24} {one.state:9} {[f'{disk} {size >> 30} GB' for disk, size in one.disks.items()]}")
# %% [markdown] lang="en"
# **In the portal:** open it once, in a cell of your own, and leave it beside your notebooks: `portal.open(lab, "site", side=True)`. *Site* > *Servers* is the same
# list.
#
# **Which server is the Hyper-V host?**
#
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# **ポータルで:** 自分で作ったセルで一度開いて、ノートブックの横に置いておきましょう: `portal.open(lab, "site", side=True)`。[サイト] > [サーバー] に同じ一覧があります。
#
# **Hyper-V ホストは、どのサーバーですか。**
#
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
# course.answer("find-the-host", ...)
course.hint("find-the-host")
# %%
course.solve("find-the-host")
# %% [markdown] lang="en"
# ## Who reaches whom
#
# In ordinary running clients of the corporate network reach the VMs by name. Somebody on the internet reaches none of them.
# %% [markdown] lang="ja"
# ## 誰がどこに届くか
#
# 通常時は、企業ネットワークのクライアントが、名前で仮想マシンに接続します。インターネットからは、どれにも届きません。
# %%
table = views.reach(lab)
table[table.client.isin(["site", "internet"])][["client", "target", "port", "reached"]]
# %% [markdown] lang="en"
# The same, drawn and live (what you see changes as you work):
# %% [markdown] lang="ja"
# 同じことを図で見ます。図は、操作に合わせて変わります。
# %%
portal.site_map(lab)
# %% [markdown] lang="en"
# ## Step 1: let an hour pass
#
# Time in the lab is virtual. It stands still while you read, and passes in no time when you let it: with the clock at the top of the portal, with
# `lab.run`, or with `wait=True` where a job is to end first.
# %% [markdown] lang="ja"
# ## 手順 1: 1 時間進める
#
# ラボの時間は仮想の時間です。読んでいる間は止まっていて、進めれば一瞬で進みます。ポータルの上部の時計、`lab.run`、またはジョブの終わりを待つ
# `wait=True` で進めます。
# %%
if course.todo("first-hour"):
    lab.run("1h")
lab.now
# %%
course.check("first-hour")
# %% [markdown] lang="en"
# ## Step 2: an account
#
# VMM will ask for credentials to add a host (2.3): a domain administrator, or an account with equal rights. There is one that has the
# rights and one that has not; make another that has.
#
# **In the portal:** *Site* > *Servers* > *Add account*, with the tick *Domain administrator*.
# %% [markdown] lang="ja"
# ## 手順 2: アカウントを作る
#
# VMM でホストを追加するときには、資格情報を聞かれます (2.3)。ドメイン管理者か、同等の権限を持つアカウントが必要です。権限のあるアカウントと、ない
# アカウントが 1 つずつあります。権限のあるアカウントをもう 1 つ作ります。
#
# **ポータルで:** [サイト] > [サーバー] > [アカウントの追加] で、[ドメイン管理者] をオンにします。
# %%
if course.todo("host-account"):
    lab.site.add_account("labadmin", administrator=True)
lab.site.accounts
# %%
course.check("host-account")
# %% [markdown] lang="en"
# ## And Azure?
#
# Whatever you ask of Azure now is refused, with the reason and what to do. Read refusals: in this lab they are never only "no".
# %% [markdown] lang="ja"
# ## Azure は
#
# 今は、Azure に何を頼んでも拒否されます。理由と、するべきことが示されます。このラボの拒否には必ず理由があるので、読んでみてください。
# %%
try:
    lab.azure.sign_in()
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# ## Something to break
# %% [markdown] lang="ja"
# ## 壊して直す
# %%
course.trouble("host-off")
# %%
course.check("host-off")
# %% [markdown] lang="en"
# **Your turn.** All three VMs are off at once: what do they have in common? Find it, and start it again; let Windows have five minutes.
# %% [markdown] lang="ja"
# **やってみましょう。** 3 台とも同時に停止しました。共通しているものは何でしょうか。見つけて起動し、Windows の起動に 5 分待ってください。
# %%
# ...
# %%
course.hint("host-off")
# %%
course.solve("host-off")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - `DC01`, `SC01`, `HV01` in demo.contoso.com; VMs `MYWSV01`, `MYBSD01`, `MYWSV02` on the switch `VirtualSwitch - FrontEnd`.
# - Time passes when you let it. Nothing is lost by reading.
# - A single host is a single point of failure: that is what STEP 2 is about.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - サーバーは demo.contoso.com の `DC01`、`SC01`、`HV01`。仮想マシンは `MYWSV01`、`MYBSD01`、`MYWSV02` で、スイッチ `VirtualSwitch - FrontEnd` に
#   接続されています。
# - 時間は、進めたときだけ進みます。ゆっくり読んでもかまいません。
# - ホストが 1 台だけだと、その 1 台が止まるとすべて止まります。STEP 2 では、それに備えます。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
