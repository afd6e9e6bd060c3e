# %% [markdown] lang="en"
# # Questions on introducing the service
#
# *In the guide: サービスの導入に関する FAQ. About 15 minutes.*
#
# Six calls to the help desk. In each something is wrong; you read what the portal says, find the cause and mend it:
#
# 1. The portal asks for a newer provider.
# 2. Configuring the protection of the cloud fails.
# 3. It fails once more, for another reason.
# 4. A virtual machine cannot be protected.
# 5. Encryption cannot be turned on.
# 6. Replication has stopped, and nobody has touched it.
# %% [markdown] lang="ja"
# # サービスの導入に関する FAQ
#
# *自習書: 「サービスの導入に関する FAQ」。所要時間は約 15 分です。*
#
# ヘルプ デスクに 6 件の問い合わせが来ました。それぞれ、何かがうまくいっていません。ポータルの表示を読み、原因を見つけて、直してください。
#
# 1. ポータルに、新しいプロバイダーが必要だと表示される。
# 2. クラウドの保護の構成が失敗する。
# 3. もう一度、別の理由で失敗する。
# 4. 仮想マシンの保護を有効にできない。
# 5. 保存データの暗号化をオンにできない。
# 6. 何も変更していないのに、レプリケーションが止まった。
# %% [markdown] lang="en"
# ## Where you begin
#
# A company has used Hyper-V Recovery Manager since last winter: VMM server registered, vault there, cloud not configured. Since June 2014
# the service is called Azure Site Recovery.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# ある会社が、冬から Hyper-V Recovery Manager を使っています。VMM 管理サーバーは登録済みで、資格情報コンテナーもありますが、クラウドの保護は未構成です。2014 年 6 月から、
# サービスの名前は Azure Site Recovery になりました。
# %%
import tempfile

import labkit
from labkit import course, portal, views

lab = course.start("faq-setup")
# %% [markdown] lang="en"
# ## The way to work
#
#     what is refused or failed  >  its error: message, cause, what to do  >  mend the cause  >  do it again
#
# A refusal is shown in the dialog and begins no job; a job that fails stands on the page *Jobs* with its error. This helper shows
# the last job:
# %% [markdown] lang="ja"
# ## 進め方
#
#     拒否または失敗したもの  >  そのエラー (メッセージ、原因、推奨される操作)  >  原因を直す  >  もう一度実行する
#
# 拒否された操作は、ダイアログに理由が表示され、ジョブは始まりません。失敗したジョブは、エラーとともに [ジョブ] ページに残ります。
# 次の関数は、最後のジョブを表示します。
# %%
def last_job():
    job = lab.jobs[list(lab.jobs)[-1]]
    print(job.scenario, job.target, job.state)
    print(job.error or "")
# %% [markdown] lang="en" rules="F-1, 2.6-7"
# ## 1. "The portal asks for a newer provider"
#
# What was set up before carries over by itself. The provider does not: it is software on a server of yours, and has to be upgraded
# there. The portal says so on *Quick Start*, and the job fails when a cloud is configured:
# %% [markdown] lang="ja"
# ## 1.「新しいプロバイダーが必要だと表示されます」
#
# 以前に構成したものは、自動的に引き継がれます。プロバイダーは引き継がれません。自分のサーバーにあるソフトウェアなので、そこでアップグレードする必要があります。
# ポータルの [クイック スタート] にも通知され、クラウドを構成するジョブは失敗します。
# %%
print(*lab.vault.notices(), sep="\n")
try:
    lab.vault.configure_protection("OnPremise Cloud", wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **In the portal** (`portal.open(lab, "site", "servers")` in a cell of your own): choose `SC01`, *Set up the provider*. An upgrade asks for no key: the setup has one page and
# ends after installing. What it would have asked, the *Azure Site Recovery Configurator* asks, should you ever need it:
# %% [markdown] lang="ja"
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "site", "servers")` を実行し、`SC01` を選んで [プロバイダーのセットアップ] をクリックします。アップグレードでは登録キーを聞かれません。セットアップは 1 ページだけで、
# インストールすると終わります。登録のページが必要なときは、[Azure Site Recovery Configurator] を使います。
# %%
for name in ("provider", "registration"):
    wizard = lab.site.wizard(name)
    print(wizard.title, wizard.pages)
    wizard.cancel()
# %%
if course.todo("old-provider"):
    lab.site.install_provider()
course.check("old-provider")
# %% [markdown] lang="en" rules="F-3"
# ## 2. "Configuring the protection of the cloud fails"
#
# Break it, then save the protection as the user did; the next cell does both.
# %% [markdown] lang="ja"
# ## 2.「クラウドの保護の構成がエラーで失敗します」
#
# 次のセルは、故障を起こしてから、利用者と同じように保護の構成を保存します。
# %%
course.trouble("missing-profile")
last_job()
# %% [markdown] lang="en"
# **Your turn.** In the portal: *Site* > *VMM console*, choose the cloud, *Properties of the cloud*. Then save the protection again
# (*Protected Items* > *Protection configuration*).
# %% [markdown] lang="ja"
# **やってみましょう。** ポータルでは [サイト] > [VMM コンソール] でクラウドを選び、[クラウドのプロパティ] を開きます。直したら、保護の構成をもう一度保存してください
# ([保護された項目] > [保護の構成])。
# %%
# ...
# %%
course.hint("missing-profile")
# %%
course.solve("missing-profile")
# %% [markdown] lang="en" rules="F-3"
# ## 3. "It fails once more"
#
# Same job, another error:
# %% [markdown] lang="ja"
# ## 3.「また失敗しました」
#
# 同じジョブで、別のエラーです。
# %%
course.trouble("stopped-host")
last_job()
# %% [markdown] lang="en"
# Every host of the cloud's host groups is set up by this job, so every one has to answer. In general there are three cures: start it, move it to
# another host group, or, where it is gone for good, remove it from VMM. Here `HV01` is the cloud's only host. **Your turn.**
# %% [markdown] lang="ja"
# このジョブは、クラウドに関連付いたホスト グループのすべてのホストを設定するので、すべてのホストが応答する必要があります。一般に、直し方は 3 つあります。ホストを起動する、
# 別のホスト グループに移動する、二度と使わないホストなら VMM から削除する。ここでは、`HV01` はクラウドの唯一のホストです。**やってみましょう。**
# %%
# ...
# %%
course.hint("stopped-host")
# %%
course.solve("stopped-host")
# %% [markdown] lang="en" rules="F-5"
# ## 4. "The virtual machine cannot be protected"
#
# Hardware that the service does not take, an operating system that is not set, an OS disk that is not marked: the error of the job
# names the cause, and if there are several, all of them.
# %% [markdown] lang="ja"
# ## 4.「仮想マシンの保護が有効化されません」
#
# サポートされないハードウェア構成、設定されていないオペレーティング システム、OS 用のディスクの指定忘れ。どれが原因かは、ジョブのエラーでわかります。
# 原因がいくつもあるときは、すべて表示されます。
# %%
course.trouble("not-enabled")
last_job()
# %% [markdown] lang="en"
# You need not try in order to know. The readiness check says the same beforehand, rule by rule (in the portal: *Site* > *VMM console*, choose
# the VM, *Check the requirements*):
# %% [markdown] lang="ja"
# 実行してみなくても、前もって調べることができます。要件の確認は、規則を 1 つずつ調べます (`holds` は満たしている、`fails` は満たしていないという意味です。ポータルでは [サイト] > [VMM コンソール] で仮想マシンを選び、[要件の確認])。
# %%
for found in lab.vault.check("MYWSV02"):
    print(f"{found.rule:7} {found.severity}", "" if found.error is None else found.error.message)
# %% [markdown] lang="en"
# **Your turn.** `MYWSV02` runs Windows Server 2012 R2, and its only disk is called `os`.
# %% [markdown] lang="ja"
# **やってみましょう。** `MYWSV02` の OS は Windows Server 2012 R2 で、ディスクは `os` の 1 台だけです。
# %%
# ...
# %%
course.hint("not-enabled")
# %%
course.solve("not-enabled")
# %% [markdown] lang="en" rules="F-4"
# ## 5. "Encryption cannot be turned on"
#
# The company wants what is stored in Azure to be encrypted, and has never made the certificate. Two things are in the way. First, the
# cloud is configured, and encryption is one of the settings that cannot be changed then:
# %% [markdown] lang="ja"
# ## 5.「保存データの暗号化をオンにできません」
#
# Azure に保存するデータを暗号化したいそうですが、証明書を作ったことがありません。妨げているものは 2 つあります。1 つ目は、クラウドが構成済みであることです。
# 構成済みのクラウドでは、暗号化の設定を変更できません。
# %%
try:
    lab.vault.change_protection("OnPremise Cloud", encrypt=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# Second, without the certificate the switch cannot be set at all. In a copy of the lab, with the cloud released:
# %% [markdown] lang="ja"
# 2 つ目は、証明書がないことです。証明書がなければ、そもそもオンにできません。クラウドの保護を解除したラボのコピーで試します。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.vault.disable_protection("MYWSV02", wait=True)
    what_if.vault.release_cloud("OnPremise Cloud", wait=True)
    try:
        what_if.vault.configure_protection("OnPremise Cloud", encrypt=True, wait=True)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# So: run the provider's setup again and make the certificate (in the portal *Site* > *Servers* > `SC01` > *Data Encryption*; in code
# `lab.site.make_certificate`), take the protection of the VMs off, release the cloud, configure it anew with encryption, protect the VMs
# again. It is the same way as for another target or storage account, and it costs an initial replication.
#
# **Your turn**, or let the next but one cell do it. Keep the file: whoever loses it cannot fail over.
# %% [markdown] lang="ja"
# そこで、プロバイダーのセットアップを再実行して証明書を作り (ポータルでは [サイト] > [サーバー] > `SC01` > [データの暗号化]、コードでは `lab.site.make_certificate`)、
# 仮想マシンの保護を無効化し、クラウドの保護を解除し、暗号化をオンにして構成し直し、仮想マシンをもう一度保護します。ターゲットやストレージ アカウントを変えるときと同じ手順で、
# 初期レプリケーションもやり直しになります。
#
# **やってみましょう。** 3 つ先のセル (`course.solve`) に任せてもかまいません。証明書のファイルは大切に保管してください。なくすと、レプリカを開けず、フェールオーバーできません。
# %%
# ...
# %%
course.hint("encryption-later")
# %%
course.solve("encryption-later")
# %% [markdown] lang="en"
# What it means on the day, with no certificate at hand:
# %% [markdown] lang="ja"
# いざというときに証明書が手元にないと、こうなります。
# %%
try:
    lab.vault.test_failover("MYWSV02")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en" rules="2.6-6"
# ## 6. "Replication has stopped, and nobody has touched it"
#
# Somebody *has* touched something: the network department lets the hosts into the internet only through a proxy from today. All
# traffic of Site Recovery goes out over HTTPS (443/TCP), the provider's from the VMM server, replication from each host; nothing comes in.
# %% [markdown] lang="ja"
# ## 6.「何も変更していないのに、レプリケーションが止まりました」
#
# 実は変更されていました。今日からホストは、プロキシ サーバー経由でしかインターネットに出られなくなったのです。Site Recovery の通信は、すべて HTTPS (443/TCP) で外に出ます。
# プロバイダーの通信は VMM 管理サーバーから、レプリケーションは各ホストから出ていき、外から入ってくる通信はありません。
# %%
course.trouble("host-behind-proxy")
# %%
print(lab.vault.items["MYWSV02"].health, lab.site.replication("MYWSV02").details)
print(*views.event_log(lab, "MYWSV02").tail(3).text, sep="\n")
# %% [markdown] lang="en"
# The agent has a proxy of its own, set in its setup or later on the host in the console *Microsoft Azure Backup*: *Change
# Properties*, tab *Proxy Configuration*. In the lab's portal: *Site* > *Servers* > `HV01` > *Proxy of the agent*; it is
# `proxy.demo.contoso.com`, port 8080.
#
# **Your turn.** Then let a quarter of an hour pass, or resume replication.
# %% [markdown] lang="ja"
# エージェントには、専用のプロキシの設定があります。エージェントのセットアップで設定するか、あとからホストの [Microsoft Azure Backup] コンソールの [プロパティの変更]、
# [プロキシの構成] タブで設定します。ラボのポータルでは [サイト] > [サーバー] > `HV01` > [エージェントのプロキシ] です。プロキシは `proxy.demo.contoso.com`、ポートは 8080 です。
#
# **やってみましょう。** そのあと 15 分進めるか、レプリケーションを再開します。
# %%
# ...
# %%
course.check("host-behind-proxy")
# %%
course.hint("host-behind-proxy")
# %%
course.solve("host-behind-proxy")
# %%
lab.vault.items["MYWSV02"].health
# %% [markdown] lang="en"
# ## What to keep in mind
#
# | symptom | cause | cure |
# |---|---|---|
# | the portal asks for a newer provider | it is of before June 2014 | run its setup again; settings carry over |
# | configuring fails, 10003 | the cloud lacks the profile Hyper-V | tick it in VMM, save again |
# | configuring fails, 12700 | a host of the host groups is off or gone | start, move or remove it, save again |
# | a VM cannot be protected | hardware, OS not set, OS disk not marked | the job's error names all of them |
# | encryption cannot be turned on | no certificate; the cloud is configured | make it, release the cloud, configure anew |
# | replication stops, reason proxy | the host needs a proxy | set the agent's proxy |
# %% [markdown] lang="ja"
# ## まとめ
#
# | 症状 | 原因 | 対処 |
# |---|---|---|
# | 新しいプロバイダーが必要と表示される | 2014 年 6 月以前のプロバイダー | セットアップを再実行する。設定は引き継がれる |
# | 保護の構成が失敗する (10003) | クラウドの機能プロファイルに Hyper-V がない | VMM で選択し、もう一度保存する |
# | 保護の構成が失敗する (12700) | ホスト グループに、停止中または存在しないホストがある | 起動、移動、または削除し、もう一度保存する |
# | 仮想マシンを保護できない | ハードウェア構成、OS の種類、OS 用のディスクの指定 | ジョブのエラーにすべて表示される |
# | 暗号化をオンにできない | 証明書がない。クラウドが構成済み | 証明書を作り、クラウドの保護を解除して、構成し直す |
# | レプリケーションが止まる (プロキシ) | ホストにプロキシが必要 | エージェントのプロキシを設定する |
# %%
course.progress()
