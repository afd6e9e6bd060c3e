# %% [markdown] lang="en"
# # 2.6 Provider and agent
#
# *In the guide: STEP 2, 2.6 Azure Site Recovery のオンプレミス側コンポーネントの展開. About 10 minutes.*
#
# Azure is prepared, the site is prepared, and neither knows of the other. Two programs change that. You will
#
# - install the **provider** on the VMM server, and register the server with the vault, page by page;
# - see what the vault learns of your clouds, and decide how much of it;
# - install the **agent** on the host;
# - rehearse in a copy of the lab what happens to those who forget the agent, or a proxy;
# - let the network team put the host behind a proxy, and mend what that would break.
# %% [markdown] lang="ja"
# # 2.6 Azure Site Recovery のオンプレミス側コンポーネントの展開
#
# *自習書: STEP 2「2.6 Azure Site Recovery のオンプレミス側コンポーネントの展開」。所要時間は約 10 分です。*
#
# Azure とサイトの準備はできましたが、お互いのことをまだ何も知りません。2 つのプログラムが、両者をつなぎます。このノートブックでは、次のことをします。
#
# - VMM サーバーに**プロバイダー**をインストールし、ウィザードのページを 1 つずつ進めて、資格情報コンテナーに登録する。
# - 資格情報コンテナーが VMM クラウドについて何を知るのかを確かめ、どこまで知らせるかを決める。
# - ホストに**エージェント**をインストールする。
# - エージェントやプロキシの設定を忘れるとどうなるかを、ラボのコピーで先に試しておく。
# - ホストがプロキシ サーバーの内側に移されたときに、何をすればよいかを確かめる。
# %% [markdown] lang="en"
# ## Where you begin
#
# Vault, storage account and network are there (2.5). Beside your lab we open a copy of it, in a folder that goes away by itself.
# What is tried in the copy, the rehearsal, never happens in your lab: use that whenever you ask yourself *what if*.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 資格情報コンテナー、ストレージ アカウント、仮想ネットワークがあります (2.5)。ラボのほかに、そのコピーも開いておきます。コピーは、自動的に
# 消えるフォルダーに作られます。コピー (予行演習) で試したことは、あなたのラボでは起こりません。「もし……したら」と思ったときに使ってください。
# %%
import tempfile
from pathlib import Path

import labkit
from labkit import course, portal

lab = course.start("components")
folder = tempfile.TemporaryDirectory()
rehearsal = labkit.open(lab.copy(Path(folder.name) / "rehearsal.lab"))
# %% [markdown] lang="en" rules="2.6-6"
# ## Two programs, and one direction
#
# ```text
# site                                             Azure
# SC01   VMM + provider  ---- HTTPS 443 --------->  vault             "what shall I do?"
# HV01   Hyper-V + agent ---- HTTPS 443 --------->  storage account   the disks
#                        <--- nothing comes in ---
# ```
#
# The **provider** speaks for the site: it tells the vault of servers, clouds and VMs, and fetches its orders. Every deployment needs
# it, also one from site to site. The **agent** is the carrier: it brings the changed blocks to the storage account, past the VMM
# server. Only replication to Azure needs it, and then on *every* host of the cloud. Both call out and are never called; no firewall
# has to be opened inwards. Where the way out leads through a proxy server, each has to be told of it.
# %% [markdown] lang="ja"
# ## 2 つのプログラムと、通信の向き
#
# ```text
# サイト                                              Azure
# SC01   VMM + プロバイダー     ---- HTTPS 443 ---->  資格情報コンテナー     「次は何をすればよいですか」
# HV01   Hyper-V + エージェント ---- HTTPS 443 ---->  ストレージ アカウント  ディスクのデータ
#                               <--- 着信はなし ---
# ```
#
# **プロバイダー**は、サイトの窓口です。サーバー、VMM クラウド、仮想マシンのことを資格情報コンテナーに伝え、指示を受け取ります。どの展開方法でも
# (サイト間でも) 必要です。**エージェント**は、運び手です。変更されたブロックを、VMM サーバーを通さずにストレージ アカウントへ運びます。
# Azure へのレプリケーションだけで必要で、その場合は VMM クラウドの**すべての**ホストにインストールします。どちらも発信するだけで、着信は
# ありません。ファイアウォールを内向きに開く必要はありません。外へ出るのにプロキシ サーバーが必要なら、それぞれに設定します。
# %% [markdown] lang="en" rules="2.6-1"
# ## Step 1: the provider
#
# **In the portal** (`portal.open(lab, "site", "servers")` in a cell of your own): choose `SC01`, *Set up the provider*. (In the Management Portal of
# 2014 the installer, VMMASRProvider_x64.exe, was downloaded from Quick Start or Dashboard. Here nothing is downloaded.) Make the key first: *Quick Start* > *Generate
# registration key file*; the wizard's page *Registration key* asks for that file. On the last page take the tick from *Synchronize cloud metadata to Site Recovery
# portal*; then let time pass until the job is done.
#
# **In code:** the same wizard, page by page. The first page has one box, and it is ticked: the provider becomes a part of VMM's
# service, which has to stand still for it. See what happens without the tick.
# %% [markdown] lang="ja"
# ## 手順 1: プロバイダー
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "site", "servers")` を実行し、`SC01` を選んで [プロバイダーのセットアップ] をクリックします
# (2014 年の管理ポータルでは、インストーラー VMMASRProvider_x64.exe をクイック スタートかダッシュボードからダウンロードしました。
# このラボでは、ダウンロードは不要です)。先に [クイック スタート] > [登録キー ファイルの生成] でキーを作り、ウィザードの [キー ファイル] でそのファイルを指定します。
# 最後のページで [クラウド メタデータを Site Recovery ポータルに同期する] をオフにし、[次へ]、[完了] の順にクリックして、ジョブが終わるまで時間を進めます。
#
# **コードで:** 同じウィザードを、1 ページずつ進めます。最初のページにはチェック ボックスが 1 つあり、オンになっています。プロバイダーは VMM の
# サービスに組み込まれるので、その間はサービスを止める必要があるからです。オフにするとどうなるか、見てみましょう。
# %%
setup = lab.site.wizard("provider") if course.todo("register-server") else None
if setup:
    print(setup.title, *setup.pages, sep="\n  ")
    try:
        setup.next(stop_service=False)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# Ticked, it goes on. From now until the wizard is closed the service SCVMMService stands still. Whoever wants something of VMM
# meanwhile is told so; mind that when others work with VMM, too. (Has your kernel been restarted with the wizard open?
# `course.solve("register-server")` takes it to its end.)
# %% [markdown] lang="ja"
# オンのまま進めると、先へ進めます。ここからウィザードを閉じるまで、SCVMMService サービスは停止しています。その間に VMM を操作しようとすると、
# その理由が表示されます。ほかの人も VMM を使っている場合は、気をつけてください (ウィザードの途中でカーネルを再起動した場合は、
# `course.solve("register-server")` が最後まで進めます)。
# %%
if setup:
    setup.next(stop_service=True)
    try:
        lab.site.vmm.assign("MYWSV01", "OnPremise Cloud")
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en" rules="2.6-2"
# Then come the pages of the registration: the internet connection (through a proxy or not; here not), and the key file. Look at the last
# line: with the key the wizard knows the **vault's name**. Read it. A key of some other vault is no mistake that anybody
# could find for you: the server would simply be registered there. What is unreadable or older than five days is refused.
# %% [markdown] lang="ja"
# 次は登録のページです。インターネット接続 (プロキシ サーバーを使うかどうか。ここでは使いません)、登録キー ファイルの順に進みます。最後の行を
# 見てください。キーを指定すると、**コンテナー名**が表示されます。必ず確かめてください。別の資格情報コンテナーのキーを指定しても、エラーには
# なりません。サーバーが、そちらに登録されるだけです。読み取れないキーや、5 日を過ぎたキーは拒否されます。
# %%
if setup:
    print(setup.page)
    setup.next()
    print(setup.page)
    for field in setup.fields:
        print("  ", field.title, "=", field.value)
    setup.next(key=str(lab.vault.generate_key(lab.path.parent)))
    print(setup.page, setup.note, sep=" | ")
# %% [markdown] lang="en" rules="2.6-3"
# The last page asks how much the vault may know: the metadata of **all clouds**, or only of those that you switch on yourself. A
# provider of hosting, say, may not want every customer's cloud in the vault. Take the careful way: without the tick.
# (The certificate on this page comes further below.) What does the vault know afterwards?
# %% [markdown] lang="ja"
# 最後のページでは、資格情報コンテナーにどこまで知らせるかを決めます。**すべての VMM クラウド**のメタデータか、自分で有効にしたものだけかです。
# たとえばホスティング事業者なら、すべての顧客のクラウドを知らせたくはないでしょう。ここでは慎重に、チェック ボックスをオフにします
# (このページにある証明書については、あとで説明します)。登録のあと、資格情報コンテナーは何を知っているでしょうか。
# %%
if setup:
    for field in setup.fields:
        print("  ", field.title, "=", field.value)
    setup.next(all_clouds=False)
    lab.wait(setup.finish())
    print(lab.site.vmm.running, [row.name for row in lab.vault.servers], [row.name for row in lab.vault.clouds])
# %% [markdown] lang="en"
# VMM's service runs again, the server is registered, and of clouds there is none. Each cloud has the switch in its own
# properties. It still bears the name that Site Recovery had when VMM 2012 R2 was made.
#
# **In the portal:** *Site* > *VMM console*, choose the cloud, *Send configuration data about this cloud to the Windows Azure Hyper-V
# Recovery Manager*.
# %% [markdown] lang="ja"
# VMM のサービスはまた動き出し、サーバーは登録されましたが、VMM クラウドは 1 つもありません。クラウドごとのスイッチは、クラウドのプロパティに
# あります。名前は、VMM 2012 R2 が発売されたころの古い呼び名のままです。
#
# **ポータルで:** [サイト] > [VMM コンソール] でクラウドを選び、[このクラウドに関する構成データを Windows Azure Hyper-V Recovery Manager
# に送信する] をクリックします。
# %%
lab.site.vmm.send_cloud("OnPremise Cloud")
lab.vault.clouds
# %%
course.check("register-server")
# %% [markdown] lang="en"
# **Your turn.** Which clouds of VMM does the vault know now? Give a list of their names: `course.answer("sent-clouds", [...])`. (`course.solve` in the cell after it does a step
# for you unless it is done: leave it out while you try yourself.)
# %% [markdown] lang="ja"
# **やってみましょう。** 資格情報コンテナーは今、どの VMM クラウドを知っているでしょうか。名前のリストを渡して、`course.answer("sent-clouds", [...])` で答えてください
# (その次の `course.solve` は、まだ済んでいない手順を代わりに実行します。自分で試している間は、飛ばしてください)。
# %%
# ...
# %%
course.solve("sent-clouds")
# %% [markdown] lang="en" rules="2.6-4, 2.6-7"
# ## A rehearsal: upgrade and certificate
#
# In the copy somebody has an old provider, of the days of Hyper-V Recovery Manager. The setup of the new one has *one* page and asks for no
# registration: an upgrade ends after installing. The rest is in *Azure Site Recovery Configurator*, which shows the same three pages.
#
# There we let the **encryption certificate** be made, too: DataEncryptionCertificate.pfx. With it, stored data can be encrypted
# (2.7). Azure never gets its private part. It has to be at hand at every failover, test failovers included: whoever loses the file has lost the
# replicas.
# %% [markdown] lang="ja"
# ## 予行演習: アップグレードと証明書
#
# コピーのほうには、Hyper-V Recovery Manager のころの古いプロバイダーがあるとします。新しいプロバイダーのセットアップには、ページが 1 つしかありません。アップグレードは、登録を聞かずに、インストールだけで終わります。続きは [Azure Site Recovery Configurator] で行います。
# 表示されるのは、さきほどと同じ 3 つのページです。
#
# ここでは、**暗号化証明書** (DataEncryptionCertificate.pfx) も作成します。これがあると、保存データを暗号化できます (2.7)。秘密キーは Azure には
# 渡りません。フェールオーバーのたびに (テストでも) 必要になるので、このファイルを失うと、レプリカも失うことになります。
# %%
rehearsal.site.install_provider(version="3.4.486.0")
upgrade = rehearsal.site.wizard("provider")
upgrade.next()
upgrade.finish()
print(upgrade.title, upgrade.pages)
print(rehearsal.site.server("SC01").software[-1], "|", len(rehearsal.vault.servers))
configurator = rehearsal.site.wizard("registration")
print(configurator.title, configurator.pages)
configurator.next()
configurator.next(key=str(rehearsal.vault.generate_key(folder.name)))
configurator.next(certificate=folder.name, password="a long sentence")
rehearsal.wait(configurator.finish())
print(rehearsal.vault.servers[0].encryption, [path.name for path in Path(folder.name).glob("*.pfx")])
# %% [markdown] lang="en" rules="2.6-5, 2.6-8"
# ## Step 2: the agent
#
# The agent keeps what it has not sent yet in a cache. Its setup wants 1 GB for the program, and for the cache a **tenth of the
# data to be synchronised**, reckoned by the size of the disks (what is sent later is only what is in use: 2.9). How much is that here? Where it is much, put the cache on another drive.
# %% [markdown] lang="ja"
# ## 手順 2: エージェント
#
# エージェントは、まだ送信していないデータをキャッシュに置きます。セットアップには、プログラム用に 1 GB、キャッシュ用に**同期データの 10%** の
# 空き領域が必要です。ディスクのサイズで計算します (あとで送信されるのは、使用中の分だけです。2.9)。このサイトでは、どのくらいになるでしょうか。大きくなる場合は、別のドライブを指定します。
# %%
data = sum(sum(machine.disks.values()) for machine in lab.site.machines.values())
print(f"{data / 2**30:.0f} GB > {data / 10 / 2**30:.1f} GB")
# %% [markdown] lang="en"
# **In the portal:** *Site* > *Servers*, choose `HV01`, *Set up the agent*: installation settings, proxy, installation. What it needs besides is
# installed with it. An older agent of Azure Backup would be upgraded in place, for it is the same program.
#
# That is also why the setup of 2014 has a button too many on its last page: *Proceed to Registration* registers the host with Azure *Backup*. There one presses
# *Close*; in the lab's portal the wizard ends with *Finish*.
#
# **In code:** the next cell.
# %% [markdown] lang="ja"
# **ポータルで:** [サイト] > [サーバー] で `HV01` を選び、[エージェントのセットアップ] をクリックします。[インストールの設定]、[プロキシの構成]、
# [インストール] と進みます。前提コンポーネントが不足していれば、いっしょにインストールされます。以前の Azure Backup エージェントがあれば、
# アップグレードされます。同じプログラムだからです。
#
# 2014 年のセットアップ (自習書の画面) の最後のページにボタンが 1 つ余計にあるのも、そのためです。[登録処理を続行] は、Azure **Backup** にホストを登録するボタンです。
# [閉じる] をクリックしてください。
#
# **コードで:** 次のセルを実行します。
# %%
if course.todo("install-agent"):
    print(lab.site.install_agent("HV01"))
# %%
course.check("install-agent")
# %% [markdown] lang="en"
# ## A rehearsal: what if it had been forgotten?
#
# The copy still has no agent. The cloud's protection (2.7) can be configured all the same, nobody objects. Only when the first VM is
# to be protected does somebody notice:
# %% [markdown] lang="ja"
# ## 予行演習: 忘れていたら、どうなるか
#
# コピーのほうには、まだエージェントがありません。それでも、VMM クラウドの保護 (2.7) は問題なく構成できてしまいます。最初の仮想マシンを
# 保護しようとして、初めて気づきます。
# %%
print(rehearsal.vault.configure_protection("OnPremise Cloud", wait=True).state)
try:
    rehearsal.vault.enable_protection("MYWSV01", wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# We install it late, press the wrong button on its last page (read the answer), and then the host is moved behind a proxy without
# anybody telling the agent.
# %% [markdown] lang="ja"
# あとからインストールします。最後のページでは、わざと間違ったボタンを押してみます (表示を読んでください)。そのあと、エージェントに何も知らせずに、
# ホストをプロキシ サーバーの内側に移します。
# %%
print(rehearsal.site.install_agent("HV01", register=True))
rehearsal.site.need_proxy("HV01")
print(rehearsal.vault.enable_protection("MYWSV01", wait=True).state)
rehearsal.run("30min")
found = rehearsal.site.replication("MYWSV01")
print(rehearsal.status()["items"]["MYWSV01"]["status"], found.details, found.errors)
# %% [markdown] lang="en"
# The job succeeded: VMM, vault and host are in order. But after half an hour not one block has left the host, after six attempts; the reason is
# `proxy`. One line in the agent's console (*Microsoft Azure Backup* on the host's desktop, *Change Properties*, tab *Proxy
# Configuration*), and it flows:
# %% [markdown] lang="ja"
# ジョブは成功しました (Succeeded)。VMM も資格情報コンテナーもホストも正常です。ところが 30 分たっても、状態は「初期レプリケーションの進行中 - 重大」の
# ままです。6 回試して、ホストからは 1 ブロックも送信されていません。理由は `proxy` です。エージェントのコンソール (ホストのデスクトップにある [Microsoft Azure Backup] の [プロパティの変更]、[プロキシの構成] タブ) で
# 1 か所設定すると、送信が始まります。
# %%
rehearsal.site.agent_proxy("HV01", "proxy.demo.contoso.com", 8080)
rehearsal.site.resume_replication("MYWSV01")
rehearsal.run("10min")
print(rehearsal.status()["items"]["MYWSV01"]["status"])
rehearsal.close()
# %% [markdown] lang="en"
# ## Something to break
#
# And now in your own lab: the network team moves the host behind the proxy `proxy.demo.contoso.com`, port 8080.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# 今度は、あなたのラボの番です。ネットワーク担当が、ホストをプロキシ サーバー `proxy.demo.contoso.com` (ポート 8080) の内側に移しました。
# %%
course.trouble("agent-proxy")
# %%
course.check("agent-proxy")
# %% [markdown] lang="en"
# **Your turn.** In the portal it is *Site* > *Servers* > `HV01` > *Proxy of the agent*.
# %% [markdown] lang="ja"
# **やってみましょう。** ポータルでは、[サイト] > [サーバー] > `HV01` > [エージェントのプロキシ] です。
# %%
# ...
# %%
course.hint("agent-proxy")
# %%
course.solve("agent-proxy")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - The provider goes on the VMM server, the agent on every host that replicates to Azure. Both only call out, by HTTPS.
# - While the provider is set up, VMM's service stands still.
# - Read the vault's name when you give the key: a wrong vault is no error.
# - A cloud that is not sent does not exist for the vault.
# - The certificate is yours to keep. A forgotten agent shows when a VM is protected; a forgotten proxy only in replication.
# %% [markdown] lang="ja"
# ## まとめ
#
# - プロバイダーは VMM サーバーに、エージェントは Azure へレプリケートするすべてのホストにインストールします。どちらも HTTPS で発信するだけです。
# - プロバイダーのセットアップ中は、VMM のサービスが停止します。
# - 登録キー ファイルを指定したら、コンテナー名を確かめます。間違った資格情報コンテナーでも、エラーにはなりません。
# - 構成データを送信していない VMM クラウドは、資格情報コンテナーにとっては存在しません。
# - 暗号化証明書は、安全な場所に保管します。エージェントの入れ忘れは、仮想マシンを保護するときに気づきます。プロキシの設定漏れは、
#   レプリケーションを見て初めて気づきます。
# %%
course.progress()
