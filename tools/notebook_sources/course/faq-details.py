# %% [markdown] lang="en"
# # Questions on the service in detail
#
# *In the guide: サービスの詳細に関する FAQ. About 15 minutes.*
#
# The questions of people who know the service already. In this notebook you
#
# - answer four of them by a look at the lab: regions, generation 2, disk formats, agents in the guest;
# - get into a test VM that refuses a domain account;
# - mend a failover that fails for a quota;
# - undo a failover that cannot be cancelled;
# - see what a failover and a failback leave in Azure, and which side stays the primary;
# - move a VM to Azure for good;
# - go through the licences of what is installed.
# %% [markdown] lang="ja"
# # サービスの詳細に関する FAQ
#
# *自習書: 「サービスの詳細に関する FAQ」。所要時間は約 15 分です。*
#
# サービスをすでに知っている人たちからの質問です。このノートブックでは、次のことをします。
#
# - リージョン、第 2 世代仮想マシン、ディスクの形式、ゲストのエージェント。4 つの質問に、ラボを見て答える。
# - ドメイン アカウントでの接続を拒否するテスト用の仮想マシンに入る。
# - クォータが原因で失敗したフェールオーバーを直す。
# - キャンセルできないフェールオーバーを取り消す。
# - フェールオーバーとフェールバックが Azure に何を残すか、どちらの側がプライマリかを見る。
# - 仮想マシンを Azure に移行する。
# - インストールされているソフトウェアのライセンスを確認する。
# %% [markdown] lang="en"
# ## Where you begin
#
# `MYWSV01` and `MYBSD01` are protected and at rest; nothing runs in Azure.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# `MYWSV01` と `MYBSD01` が保護されています。Azure では何も動いていません。
# %%
import tempfile

import labkit
from labkit import course, portal, views

lab = course.start("faq-details")


def ask(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en" rules="2.5-7"
# ## Can a VM that was failed over run in Japan?
#
# Yes: vault, storage account and virtual network share one region, and the Azure VM is made there. Here it is East Asia, as in the guide;
# made in Japan East, or in Japan West, all three, everything would run in Japan. Both offer the service:
# %% [markdown] lang="ja"
# ## フェールオーバーした仮想マシンを、日本で実行できますか
#
# はい。資格情報コンテナー、ストレージ アカウント、仮想ネットワークは同じリージョンにあり、Azure の仮想マシンもそこに作られます。このラボは自習書と同じ東アジア (East Asia) です。
# 3 つとも東日本に、または 3 つとも西日本に作れば、日本で実行されます。どちらのリージョンでも、このサービスを利用できます。
# %%
print(lab.azure.vaults["MySiteRecovery"].region)
print(lab.azure.storage_accounts["mysiterecovery"].region, "(+ {})".format(lab.azure.storage_accounts["mysiterecovery"].secondary))
print(lab.azure.virtual_networks["AzureNetwork"].region)
print([name for name, region in lab.azure.regions.items() if name.startswith("Japan") and region.site_recovery])
# %% [markdown] lang="en" rules="1.4-7"
# ## Generation 2?
#
# Not to Azure. (Site to site, yes.) In a copy of the lab:
# %% [markdown] lang="ja"
# ## 第 2 世代仮想マシンは保護できますか
#
# Azure へはできません (オンプレミスからオンプレミスの回復では、できます)。ラボのコピーで試します。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.site.vmm.create_vm("NEWVM", "Windows Server 2012 R2", cloud="OnPremise Cloud", generation=2)
    ask(what_if.vault.enable_protection, "NEWVM", wait=True)
# %% [markdown] lang="en" rules="1.4-10, 1.4-6"
# ## Dynamic disks, VHDX, agents?
#
# An ordinary Azure VM takes fixed VHD only. What comes out of a failover may have been anything before: VHD or VHDX, fixed, dynamic or
# differencing. And the guest needs no VM agent of Azure, and no `waagent`; Hyper-V's integration services are enough. These VMs have dynamic
# VHDX and no agent. All rules that a failover could fail for hold:
# %% [markdown] lang="ja"
# ## 容量可変、VHDX、エージェントは大丈夫ですか
#
# 通常の Azure の仮想マシンで使えるのは、容量固定の VHD だけです。保護される仮想マシンのディスクは、VHD でも VHDX でも、容量固定、容量可変、差分のどれでもかまいません。
# また、ゲストに Azure の VM エージェントや `waagent` は要りません。Hyper-V の統合サービスがあれば十分です。この 2 台は容量可変の VHDX で、エージェントもありませんが、
# 要件をすべて満たしています。
# %%
for vm in ("MYWSV01", "MYBSD01"):
    disks = {disk: (kind, form) for disk, (size, bus, kind, form) in lab.site.vmm.vms[vm].disks.items()}
    print(vm, disks, [found.rule for found in lab.vault.check(vm) if found.severity == "fails"])
# %% [markdown] lang="en" rules="3.3-4"
# ## "Network-level authentication is demanded, and I cannot get in"
#
# A test has been started, on no network. Somebody has tried it with a domain account. Try it yourself:
# %% [markdown] lang="ja"
# ## 「ネットワーク レベル認証が必要と言われ、接続できません」
#
# ネットワーク「なし」で、テスト フェールオーバーが始まっています。誰かがドメイン アカウントで接続しようとしました。同じことを試してください。
# %%
course.trouble("refused-log-on")
# %%
ask(lab.azure.connect, "MYWSV01-test", r"DEMO\Administrator")
# %% [markdown] lang="en"
# **Your turn.** Get in (one of two ways), then complete the test.
# %% [markdown] lang="ja"
# **やってみましょう。** 2 つの方法のどちらかで中に入り、そのあとテストを完了してください。
# %%
# ...
# %%
course.hint("refused-log-on")
# %%
course.solve("refused-log-on")
# %% [markdown] lang="en" rules="F-7"
# ## Is there a limit to the number of protected VMs?
#
# Not in Site Recovery. But what a failover makes counts against the quotas of the subscription. Nobody notices until the day:
# %% [markdown] lang="ja"
# ## 保護できる仮想マシンの数に上限はありますか
#
# Site Recovery にはありません。しかし、フェールオーバーで作られるものには、サブスクリプションのクォータが適用されます。いざという日まで、誰も気づきません。
# %%
course.trouble("core-quota")
# %%
job = [job for job in lab.jobs.values() if job.scenario == "UnplannedFailover"][-1]
print(job.state)
print(job.error)
print(lab.azure.quotas["cores"])
# %% [markdown] lang="en"
# Of a plan, only this VM's failover would have failed; those that were through would stay. And it can be repeated. **Your turn.** There are three
# cures: have the quota raised (*Azure* > *Subscription* > *Raise a quota*), choose a smaller target size, or end what runs in Azure.
# %% [markdown] lang="ja"
# 復旧計画の場合、失敗するのはこの仮想マシンだけで、すでに成功した仮想マシンはそのままです。また、やり直すことができます。**やってみましょう。** 直し方は 3 つあります。
# クォータを引き上げてもらう ([Azure] > [サブスクリプション] > [クォータの引き上げ])、ターゲットのサイズを小さくする、Azure で動いているものを減らす。
# %%
# ...
# %%
course.hint("core-quota")
# %%
course.solve("core-quota")
# %% [markdown] lang="en" rules="F-10, F-9"
# ## Can a failover be cancelled before the commit?
#
# `MYWSV01` waits for its commit, and it was a mistake: nothing was wrong with the site. (Without one the next cell makes one.)
# %% [markdown] lang="ja"
# ## コミットする前なら、フェールオーバーをキャンセルできますか
#
# `MYWSV01` は「コミット待機中」です。ところが、これは間違いでした。サイトには何の問題もなかったのです (フェールオーバーがまだなら、次のセルが実行します)。
# %%
course.trouble("undo-failover")
# %%
job = [job for job in lab.jobs.values() if job.scenario == "UnplannedFailover"][-1]
ask(lab.vault.cancel, job)
ask(lab.vault.failback, "MYWSV01")
# %% [markdown] lang="en"
# No. There are two ways on: commit it and fail back (3.6), or, if you want the site's state and not Azure's, give it up. That means: protection
# off, then protection on, from initial replication. And between the two something is left over that nobody deletes for you:
# %% [markdown] lang="ja"
# できません。進む道は 2 つあります。コミットしてからフェールバックする (3.6) か、Azure ではなくサイトの状態に戻したいなら、フェールオーバーを取り消すかです。取り消すには、
# 保護をいったん削除し、もう一度有効にして、初期レプリケーションからやり直します。その途中で、誰も消してくれないものが残ります。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:
    what_if.vault.disable_protection("MYWSV01", wait=True)
    left = views.leftovers(what_if)
    print(left[left.name == "azure/MYWSV01"].to_string(index=False, header=False))
# %% [markdown] lang="en"
# **Your turn.** Undo it, so that in the end the site's `MYWSV01` is protected again and nothing of it is in Azure.
# %% [markdown] lang="ja"
# **やってみましょう。** 取り消してください。最後に、サイトの `MYWSV01` がもう一度保護され、Azure には何も残っていないようにします。
# %%
# ...
# %%
course.hint("undo-failover")
# %%
course.solve("undo-failover")
# %% [markdown] lang="en" rules="F-8, F-9"
# ## What remains after a failback? Who is the primary after a failover?
#
# Both in one run, in a copy of the lab. After each step: the primary server that Hyper-V Manager shows for `MYBSD01`, and the VMs in Azure (without
# the `REPORTS` ones, which filled the quota).
# %% [markdown] lang="ja"
# ## フェールバックのあとに何が残りますか。フェールオーバーのあとのプライマリはどちらですか
#
# ラボのコピーで、両方を一度に調べます。それぞれの手順のあとに、Hyper-V マネージャーに表示される `MYBSD01` のプライマリ サーバーと、Azure の仮想マシン
# (クォータを使い切った `REPORTS` 以外) を表示します。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(f"{folder}/what-if.lab")) as what_if:

    def show(step):
        found = [name for name in what_if.azure.machines if not name.startswith("REPORTS")]
        print(f"{step:10} primary: {what_if.site.replication('MYBSD01').primary_server}   in Azure: {found}")

    what_if.vault.planned_failover("MYBSD01", wait=True)
    what_if.vault.commit("MYBSD01", wait=True)
    show("failover")
    what_if.vault.failback("MYBSD01", synchronise="during", wait=True)
    what_if.vault.commit("MYBSD01", wait=True)
    show("failback")
# %% [markdown] lang="en"
# The host stays the primary after the failover: replication to Azure is not turned round then, only as part of the failback. And the failback
# deletes the VM in Azure by itself.
# %% [markdown] lang="ja"
# フェールオーバーのあとも、プライマリはホストのままです。レプリケーションの反転は、フェールオーバーのときではなく、フェールバックの処理の一部として行われます。
# Azure の仮想マシンは、フェールバックのときに自動的に削除されます。
# %% [markdown] lang="en" rules="F-11"
# ## Can I use it to move a VM to Azure?
#
# Yes. Fail over, commit (so that the recovery points are merged), and take the protection off while the VM is active in Azure. What was a
# nuisance a moment ago is now the purpose: the VM stays. **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): *Planned failover*, *Commit*, *Disable protection for the virtual
# machine*. Nothing brings it back.
# %% [markdown] lang="ja"
# ## 仮想マシンを Azure に移行するために利用できますか
#
# はい。フェールオーバーし、コミットして (復旧ポイントがマージされます)、Azure でアクティブなまま保護を無効化します。さっきは困りものだった「残った仮想マシン」が、
# 今度は目的です。**ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、[計画されたフェールオーバー]、[コミット]、[仮想マシンの保護の無効化] の順にクリックします。元に戻す方法はありません。
# %%
if course.todo("move-for-good"):
    lab.vault.planned_failover("MYBSD01", wait=True)
    lab.vault.commit("MYBSD01", wait=True)
    lab.vault.disable_protection("MYBSD01", wait=True)
course.check("move-for-good")
# %%
ask(lab.vault.failback, "MYBSD01")
# %% [markdown] lang="en" rules="F-12"
# ## And the licences?
#
# **In the portal:** *Azure* > *Subscription* > *Licence checklist*; in *Products* one product a line (`SQL Server 2012 SP1`, say). For each product that is installed in a protected VM:
# %% [markdown] lang="ja"
# ## ライセンスはどうなりますか
#
# **ポータルで:** [Azure] > [サブスクリプション] > [ライセンスのチェックリスト] です。[製品] に、1 行に 1 つずつ製品名を入力します (例: `SQL Server 2012 SP1`)。保護された仮想マシンにインストールされている製品ごとに確認します。
# %%
for entry in lab.azure.licence_checklist(["Windows Server 2012 R2", "SQL Server 2012 SP1", "Contoso ERP 7"]):
    print(f"{entry.product} ({entry.basis})")
    print("  ", entry.text)
    for question in entry.questions:
        print("   -", question)
# %% [markdown] lang="en"
# The bill agrees: compute by the minute, and no line for a Windows licence.
# %% [markdown] lang="ja"
# 料金明細も、そのとおりになっています。仮想マシンの実行は分単位で、Windows のライセンスの行はありません。
# %%
bill = lab.azure.bill()
print(bill.components["compute"].quantity)
print(list(bill.components))
# %% [markdown] lang="en"
# What gives SQL Server the right to run in Azure for recovery at no cost?
# %% [markdown] lang="ja"
# SQL Server を、復旧のために追加の費用なしで Azure で動かす権利は、何によって得られるでしょうか (`"..."` に言葉を入れて答えてください)。
# %%
# course.answer("sql-licence", ...)
# %%
course.solve("sql-licence")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - One region for vault, storage account and network: there the VMs will run.
# - Generation 1 only; disks of every form; no agent of Azure in the guest.
# - On no network: a local administrator. Quotas: look before the day.
# - Waiting for its commit, a failover can be committed or given up, never cancelled. Given up, it leaves a VM that costs.
# - To move for good: failover, commit, protection off.
# - Windows is in the price; Microsoft servers with Software Assurance have cold-backup rights; ask about everything else.
# %% [markdown] lang="ja"
# ## まとめ
#
# - コンテナー、ストレージ アカウント、ネットワークは 1 つのリージョンに作ります。仮想マシンはそこで動きます。
# - 第 1 世代だけを保護できます。ディスクの形式は問いません。ゲストに Azure のエージェントは要りません。
# - ネットワークが「なし」のときは、ローカルの管理者で接続します。クォータは、いざという日の前に確認しましょう。
# - 「コミット待機中」のフェールオーバーは、コミットするか、保護を削除して取り消すかのどちらかで、キャンセルはできません。取り消すと、料金のかかる仮想マシンが残ります。
# - 移行するには、フェールオーバー、コミット、保護の無効化の順に操作します。
# - Windows のライセンス料は料金に含まれます。ソフトウェア アシュアランスのある Microsoft のサーバー製品には、コールド バックアップの権利があります。ほかの製品は確認が必要です。
# %%
course.progress()
