# %% [markdown] lang="en"
# # 1.4 Requirements
#
# *In the guide: STEP 1, 1.4 オンプレミスから Azure のシステム要件. About 12 minutes.*
#
# Azure can run most of what Hyper-V runs, and not all of it. It is better to know which of your VMs are the exceptions before the
# day you need them. You will
#
# - check a site of ten VMs, most of them with a fault of their own;
# - replace a VM that cannot be protected by one that can;
# - mend a host cluster on which protection cannot even be configured;
# - protect VMs with a strange name, with two network adapters, with a static address, without integration services, and see **when** each
#   of these catches up with you.
# %% [markdown] lang="ja"
# # 1.4 オンプレミスから Azure のシステム要件
#
# *自習書: STEP 1「1.4 オンプレミスから Azure のシステム要件」。所要時間は約 12 分です。*
#
# Hyper-V で動くものの多くは Azure でも動きますが、すべてではありません。どの仮想マシンが例外なのかは、必要になる日の前に知っておきたいものです。
# このノートブックでは、次のことをします。
#
# - それぞれに難点を抱えた 10 台の仮想マシンがあるサイトを確認する。
# - 保護できない仮想マシンを、保護できるものに置き換える。
# - 保護の構成そのものが失敗するホスト クラスターを直す。
# - 名前が特殊な仮想マシン、ネットワーク アダプターが 2 つある仮想マシン、静的 IP アドレスの仮想マシン、統合サービスのない仮想マシンを保護し、
#   それぞれの問題が**いつ**表面化するかを見る。
# %% [markdown] lang="en"
# ## Where you begin
#
# Another company: VMM server `SC01` is registered with a vault, ten VMs are in `OnPremise Cloud`, on the host cluster `HVC01` of two hosts.
# Nothing is protected.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 別の会社です。VMM サーバー `SC01` は資格情報コンテナーに登録済みで、10 台の仮想マシンが `OnPremise Cloud` にあります。ホストは 2 台で、
# ホスト クラスター `HVC01` を構成しています。まだ何も保護されていません。
# %%
import labkit
from labkit import course, portal
from labkit.site import systems

lab = course.start("requirements")
# %% [markdown] lang="en" rules="1.4-1, 1.4-2"
# ## What the site has to be
#
# | | site to Azure | site to site |
# | --- | --- | --- |
# | VMM | System Center 2012 R2 | System Center 2012 SP1 and later |
# | Hyper-V hosts | Windows Server 2012 R2, single or in a cluster | Windows Server 2012, too |
#
# Here:
# %% [markdown] lang="ja"
# ## サイトの要件
#
# | | オンプレミスから Azure | オンプレミスからオンプレミス |
# | --- | --- | --- |
# | VMM | System Center 2012 R2 | System Center 2012 SP1 以降 |
# | Hyper-V ホスト | Windows Server 2012 R2。単独でもクラスターでもよい | Windows Server 2012 も可 |
#
# このサイトでは、次のとおりです。
# %%
print("SC01", lab.site.vmm.settings["version"])
for name in lab.site.hosts:
    host = lab.site.server(name)
    print(name, host.os, host.cluster)
# %% [markdown] lang="en" rules="1.4-4, 1.4-6"
# ## What a VM has to be
#
# The guest is a **64-bit** system that the guide lists. The table has what can be set in VMM; whether the guide lists it (`True`); and what
# it has of the integration services, which any guest of Hyper-V
# should have: built in, to be upgraded, or to be installed. They are advised, and no condition. Nothing else is installed in the guest: the
# VM agents of Azure are **not** needed. (The guide prints "openSUSE 12.04", which is a number of Ubuntu's; the lab has 12.3 and 13.1.)
# %% [markdown] lang="ja"
# ## 仮想マシンの要件
#
# ゲスト OS は、自習書の一覧にある **64 ビット**のものです。次の表は、VMM で指定できる OS、自習書の一覧にあるか (`True`)、統合サービスの状態です。組み込み済み (built-in)、アップグレードが必要
# (upgrade)、インストールが必要 (install) のいずれかです。統合サービスは Hyper-V のゲストなら入れておきたいもので、保護の条件ではありません。ほかに
# ゲストに入れるものはなく、Azure の VM エージェントも**不要**です (自習書の「openSUSE 12.04」は Ubuntu の番号で、ラボの一覧では 12.3 と 13.1 です)。
# %%
for name in lab.site.vmm.systems:
    row = systems.row(name)
    print(f"{name:38} {row['bits']} bit  {row['supported']!s:6} {row['integration']}")
# %% [markdown] lang="en" rules="1.4-7, 1.4-8, 1.4-9, 1.4-10, 1.4-11, 1.4-12, 1.4-13, 1.4-14, 1.4-15"
# | rule | of the VM | required |
# | --- | --- | --- |
# | 1.4-7 | generation | 1 |
# | 1.4-8 | OS disk | exactly one, IDE, 20 MB to 127 GB |
# | 1.4-9 | data disks | at most 16, IDE or SCSI, 20 MB to 1,023 GB each |
# | 1.4-10 | disk files | VHD or VHDX; fixed, dynamically expanding or differencing |
# | 1.4-11 | never | pass-through, guest iSCSI, virtual Fibre Channel, shared virtual disks |
# | 1.4-12 | network adapter | one address, by DHCP |
# | 1.4-13 | several adapters | allowed: one of them is chosen for Azure |
# | 1.4-14 | name in Azure | 1 to 63 letters, digits and hyphens, first and last no hyphen |
#
# ## Check them all
#
# **In the portal** (`portal.open(lab, "site", "vmm")` in a cell of your own): choose a VM under *VMs and Services*, *Check the requirements*. **In code**
# `lab.vault.check(VM)` goes through the rules. All at once, `.` holds, `!` warns, `X` fails:
# %% [markdown] lang="ja"
# | 規則 | 項目 | 要件 |
# | --- | --- | --- |
# | 1.4-7 | 仮想マシンの世代 | 第 1 世代仮想マシン |
# | 1.4-8 | OS ディスク | 1 つだけ。IDE 接続、20 MB ～ 127 GB |
# | 1.4-9 | データ ディスク | 最大 16。IDE または SCSI 接続、それぞれ 20 MB ～ 1,023 GB |
# | 1.4-10 | ディスクのファイル | VHD または VHDX。容量固定、容量可変、差分 |
# | 1.4-11 | 使えないもの | バススルーディスク、ゲストの iSCSI 接続、仮想ファイバー チャネル、仮想ハードディスクの共有 |
# | 1.4-12 | ネットワーク アダプター | アドレスは 1 つ、DHCP で割り当て |
# | 1.4-13 | 複数のアダプター | 可。Azure で使う 1 つが選ばれる |
# | 1.4-14 | Azure での名前 | 1 ～ 63 文字の英数字とハイフン。先頭と末尾はハイフン以外 |
#
# ## まとめて確認する
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "site", "vmm")` を実行し、[VM とサービス] で仮想マシンを選んで、[要件の確認] をクリックします。
# **コードで:** `lab.vault.check(VM)` が規則を 1 つずつ調べます。まとめると次のようになります。`.` は適合、`!` は警告、`X` は不適合です。
# %%
marks = {"holds": ".", "warns": "!", "fails": "X"}
checked = {vm: lab.vault.check(vm) for vm in lab.site.machines}
print(" " * 22, *(f"{one.rule:>6}" for one in checked["GOOD01"]))
for vm, findings in checked.items():
    print(f"{vm:22}", *(f"{marks[one.severity]:>6}" for one in findings))
# %% [markdown] lang="en"
# **Which VMs cannot be protected as they are?** Name them all: `course.answer("unfit-vms", "A", "B", ...)`. A warning is no obstacle.
#
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# **そのままでは保護できないのは、どの仮想マシンですか。** 全部挙げてください: `course.answer("unfit-vms", "A", "B", ...)`。警告だけなら
# 保護できます。
#
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
# course.answer("unfit-vms", ...)
course.hint("unfit-vms")
# %%
course.solve("unfit-vms")
# %% [markdown] lang="en" rules="1.4-16"
# The report on a whole inventory says it in words, with the remedy. It reads a site file, as here, or what PowerShell writes on *your* hosts
# (docs/readiness.md), and needs no lab. Its tables are dated: later versions of the service may ask for less.
# %% [markdown] lang="ja"
# インベントリ全体のレポートでは、対処方法も文章で示されます。ここではサイト ファイルを読んでいますが、*実際の*ホストで PowerShell が書き出した
# ファイルも読めます (docs/readiness.md)。ラボは必要ありません。表には日付があります。サービスの将来のバージョンでは、要件が変わることがあります。
# %%
report = labkit.readiness("requirements")
print(report.dates)
print(report.counts)
for finding, machines in report.remedies:
    print(f"\n{finding.rule}  {finding.error.message}\n        {finding.error.action}")
# %% [markdown] lang="en"
# **Which rule does `SHARED01` fail?**
# %% [markdown] lang="ja"
# **`SHARED01` は、どの規則に適合しませんか。**
# %%
# course.answer("shared-disk-rule", ...)
course.hint("shared-disk-rule")
# %%
course.solve("shared-disk-rule")
# %% [markdown] lang="en"
# ## Step 1: a VM that can take the place of GEN02
#
# The generation of a VM is decided when it is made. (Site to site generation 2 is protected, too; to Azure it is not.)
#
# **In the portal:** *Site* > *VMM console* > *Create virtual machine*: a name of your own, the operating system, the cloud; generation 1.
# %% [markdown] lang="ja"
# ## 手順 1: GEN02 に代わる仮想マシン
#
# 仮想マシンの世代は、作成するときに決まります (オンプレミスからオンプレミスでは第 2 世代も保護できますが、Azure に対しては保護できません)。
#
# **ポータルで:** [サイト] > [VMM コンソール] > [仮想マシンの作成] で、名前、オペレーティング システム、クラウドを指定します。世代は 1 です。
# %%
if course.todo("new-generation-1"):
    lab.site.vmm.create_vm("GEN01", "Windows Server 2012 R2", cloud="OnPremise Cloud", cpu=2, memory="2GB")
course.check("new-generation-1")
# %% [markdown] lang="en" rules="1.4-3"
# ## Step 2, and something to mend: the cluster
#
# The cluster has a **static address**. The next cell saves the protection of the cloud, as *Protection configuration* on *Protected
# Items* would, and it fails.
# %% [markdown] lang="ja"
# ## 手順 2 (壊れているものを直す): クラスター
#
# このクラスターには**静的 IP アドレス**が割り当てられています。次のセルは、[保護された項目] の [保護の構成] と同じようにクラウドの保護を保存しますが、
# 失敗します。
# %%
course.trouble("cluster-broker")
# %%
failed = [job for job in lab.jobs.values() if job.target == "OnPremise Cloud"][-1]
print(failed.state)
print(failed.error)
# %% [markdown] lang="en"
# **Your turn.** Make by hand what could not be made automatically, and save the protection again: it is the same job. In the portal, *Site* >
# *VMM console* > *Make the Hyper-V Replica Broker*, then *Protected Items* > *Protection configuration*.
# %% [markdown] lang="ja"
# **やってみましょう。** 自動で作成できなかったものを手動で作成し、保護をもう一度保存してください。同じジョブが実行されます。ポータルでは、
# [サイト] > [VMM コンソール] > [Hyper-V レプリカ ブローカーの作成]、次に [保護された項目] > [保護の構成] です。
# %%
# ...
# %%
course.hint("cluster-broker")
# %%
course.solve("cluster-broker")
# %% [markdown] lang="en"
# ## Step 3: a name that Azure does not take
#
# `name_with_underscores` is protected and replicated as it is. Try to fail it over:
# %% [markdown] lang="ja"
# ## 手順 3: Azure で使えない名前
#
# `name_with_underscores` は、このままでも保護され、レプリケートされます。フェールオーバーしてみると、どうなるでしょうか。
# %%
if "name_with_underscores" not in lab.vault.items:
    lab.vault.enable_protection("name_with_underscores", wait=True)
    lab.wait(lab.vault.items["name_with_underscores"])
if course.todo("name-for-azure"):
    try:
        lab.vault.planned_failover("name_with_underscores", wait=True)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# **Your turn.** Give it a name for Azure on the page *Source and target properties*: *Protected Items* > *OnPremise Cloud* > the VM >
# *Change target size, name or adapter*.
# %% [markdown] lang="ja"
# **やってみましょう。** [ソースとターゲットのプロパティ] ページで、Azure での名前を付けてください。[保護された項目] > [OnPremise Cloud] > 仮想マシン >
# [ターゲットのサイズ、名前、アダプターの変更] です。
# %%
# ...
# %%
course.hint("name-for-azure")
# %%
course.solve("name-for-azure")
# %% [markdown] lang="en"
# ## An experiment: when does it hurt?
#
# Three more VMs, each with something odd. Look at the check, then enable protection: `True` says that a VM is protected now, a code that
# it was refused.
# %% [markdown] lang="ja"
# ## 実験: 問題はいつ表面化するか
#
# 少し変わった仮想マシンをさらに 3 台作ります。まず要件を確認し、次に保護を有効にします。`True` は保護できたこと、番号は
# 拒否されたことを示します。
# %%
odd = {
    "TWONICS01": {"adapters": [{"name": "LAN", "address": "dhcp"}, {"name": "Backup", "address": "dhcp"}]},
    "FIXEDIP02": {"adapters": [{"name": "LAN", "address": "static"}]},
    "OLDSVC01": {"integration": "none"},
}
for vm, keys in odd.items():
    if vm not in lab.site.machines:
        lab.site.vmm.create_vm(vm, "Windows Server 2008 R2 SP1", cloud="OnPremise Cloud", **keys)
for vm in [*odd, "BSD01", "FIXEDIP01", "OLD32"]:
    found = [f"{one.rule} {one.severity}" for one in lab.vault.check(vm) if one.severity != "holds"]
    try:
        if vm not in lab.vault.items:
            lab.vault.enable_protection(vm, wait=True)
    except labkit.LabError as refused:
        found.append(f"-> {refused.code}")
    print(f"{vm:10} {vm in lab.vault.items!s:6} {', '.join(found)}")
# %% [markdown] lang="en" rules="1.4-5"
# - `FIXEDIP02`, Windows with a static address, fails the check, and is protected all the same: in Azure it gets an address of the virtual
#   network, whatever it has at home. `FIXEDIP01`, Linux with a static address, is refused.
# - `BSD01` runs FreeBSD, which is not in the list. It is 64-bit, so it goes as *Other Linux (64-bit)*, outside the guarantee. `OLD32` has 32
#   bits: refused.
# - `TWONICS01` has two adapters, and somebody chose one. The right one?
# - `OLDSVC01` has no integration services. Nothing happens, until the day of the failover.
# %% [markdown] lang="ja"
# - `FIXEDIP02` (静的 IP アドレスの Windows) は、確認では不適合ですが、保護できます。Azure では、元のアドレスに関係なく、仮想ネットワークのアドレスに
#   なります。`FIXEDIP01` (静的 IP アドレスの Linux) は拒否されます。
# - `BSD01` は FreeBSD で、一覧にはありません。64 ビットなので、動作保証外ですが、"Other Linux (64-bit)" として保護できます。`OLD32` は 32 ビットなので
#   拒否されます。
# - `TWONICS01` にはアダプターが 2 つあり、どちらかが自動で選ばれています。意図したものでしょうか。
# - `OLDSVC01` には統合サービスがありません。フェールオーバーする日まで、何も起こりません。
# %%
for vm in ("TWONICS01", "OLDSVC01", "BSD01"):
    if vm in lab.vault.items:
        lab.wait(lab.vault.items[vm])
print(lab.vault.target("TWONICS01").adapter, "->", lab.vault.set_target("TWONICS01", adapter="Backup").adapter)
try:
    lab.vault.planned_failover("OLDSVC01", wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# And the disks? `BSD01` has a differencing VHDX, `name_with_underscores` a fixed VHD. An ordinary VM of Azure takes fixed VHD only; a
# failover makes disks it can run of any of them:
# %% [markdown] lang="ja"
# ディスクはどうでしょうか。`BSD01` は差分の VHDX、`name_with_underscores` は容量固定の VHD です。通常の Azure の仮想マシンで使えるのは容量固定の VHD
# だけですが、フェールオーバーすると、どれも Azure で使えるディスクになります。
# %%
for vm in ("BSD01", "name_with_underscores"):
    print(vm, lab.site.vmm.vms[vm].disks["os"][2:])
    if "TestFailover" in lab.vault.items[vm].allowed_operations:
        lab.vault.test_failover(vm, wait=True)
lab.run("3min")
for name, machine in lab.azure.machines.items():
    print(name, machine.state, machine.disks)
# %%
for vm in ("BSD01", "name_with_underscores"):
    if "TestFailoverCleanup" in lab.vault.items[vm].allowed_operations:
        lab.vault.complete_test(vm, wait=True)
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - VMM 2012 R2, hosts on Windows Server 2012 R2; a cluster with a static address needs its broker made by hand.
# - A VM of generation 1, 64 bits, one OS disk on IDE of at most 127 GB, up to 16 data disks of at most 1,023 GB, none shared or past Hyper-V.
# - Some faults are found at the check, some when protection is enabled, some at the failover. Check the inventory, and test.
# - Name, size and adapter for Azure are on *Source and target properties*, and can be changed until the failover.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - VMM は 2012 R2、ホストは Windows Server 2012 R2。静的 IP アドレスのクラスターでは、Hyper-V レプリカ ブローカーを手動で作成します。
# - 仮想マシンは第 1 世代、64 ビット。OS ディスクは IDE 接続で 127 GB まで、データ ディスクは 16 まで、それぞれ 1,023 GB までです。共有ディスクや、Hyper-V を
#   通らないディスクは使えません。
# - 確認でわかる問題、保護を有効にするときにわかる問題、フェールオーバーで初めてわかる問題があります。インベントリを確認し、テストもしてください。
# - Azure での名前、サイズ、アダプターは [ソースとターゲットのプロパティ] にあり、フェールオーバーの前なら変更できます。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
