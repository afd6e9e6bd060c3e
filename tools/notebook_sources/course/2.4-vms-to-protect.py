# %% [markdown] lang="en"
# # 2.4 The VMs to be protected
#
# *In the guide: STEP 2, 2.4 保護される仮想マシンの準備. About 10 minutes.*
#
# The three VMs of the site run, and nothing has to be installed in them. But VMM does not know enough of them. You will
#
# - put them into the cloud, name their operating systems, and mark the disk each of them starts from;
# - watch the requirements, rule by rule, turn from "fails" to "holds";
# - find the disk that a colleague has marked too many;
# - make sure that somebody can get in **after** a failover, when there is no console any more.
# %% [markdown] lang="ja"
# # 2.4 保護される仮想マシンの準備
#
# *自習書: STEP 2「2.4 保護される仮想マシンの準備」。所要時間は約 10 分です。*
#
# サイトの 3 台の仮想マシンは稼働中で、中に何かをインストールする必要はありません。ただし、VMM がこれらの仮想マシンについて知っていることが足りません。
# このノートブックでは、次のことをします。
#
# - 仮想マシンをクラウドに関連付け、オペレーティング システムを指定し、OS の入ったディスクに印を付ける。
# - 要件が、規則ごとに「不適合」から「適合」に変わるのを見る。
# - 同僚が余分に印を付けたディスクを見つける。
# - コンソールのない、フェールオーバー**後**の仮想マシンに入れるようにしておく。
# %% [markdown] lang="en"
# ## Where you begin
#
# VMM manages `HV01`, and there is the cloud `OnPremise Cloud`. It is empty.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# VMM は `HV01` を管理していて、`OnPremise Cloud` が作成されています。クラウドは空です。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("vms-to-protect")
# %% [markdown] lang="en"
# ## What VMM has to know of a VM
#
#     2.4-1   which cloud?              ->  which settings protect it, and where to
#     2.4-2   which operating system?   ->  whether Azure can run it
#     2.4-3   which disk has it?        ->  what the VM in Azure is to start from
#
# **One** wrong property is enough to refuse protection. The three as they are now:
# %% [markdown] lang="ja"
# ## VMM が知っておくこと
#
#     2.4-1   どのクラウドか       -> どの設定で、どこに対して保護するか
#     2.4-2   どの OS か           -> Azure で動かせるか
#     2.4-3   OS はどのディスクか  -> Azure の仮想マシンを何から起動するか
#
# 不適切なプロパティが **1 つ**でもあると、保護を有効にできません。3 台の現在の状態です。
# %%
marks = {"holds": ".", "warns": "!", "fails": "X"}


def show():
    for vm, one in lab.site.vmm.vms.items():
        rules = {found.rule: marks[found.severity] for found in lab.vault.check(vm)}
        told = "  ".join(f"{rule} {rules[rule]}" for rule in ("2.4-1", "2.4-2", "2.4-3", "2.4-5"))
        print(f"{vm}  {told}   {one.cloud or '-':15} {one.system or '-':22} {list(one.system_disks)}")


show()
# %% [markdown] lang="en"
# **In the portal** (`portal.open(lab, "site", "vmm")` in a cell of your own): the table *VMs and Services*; *Check the requirements* says each rule in words.
# %% [markdown] lang="ja"
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "site", "vmm")` を実行し、[VM とサービス] の表を見ます。[要件の確認] では、規則ごとの結果が文章で示されます。
# %%
for found in lab.vault.check("MYWSV01"):
    if found.error is not None:
        print(found.rule, found.error.message)
# %% [markdown] lang="en" rules="2.4-1"
# ## Step 1: into the cloud
#
# A VM that was made **in** a cloud belongs to it (as the one you made in 1.4). These were made in Hyper-V Manager, on the host, so they belong to none,
# and are assigned one by one.
#
# **In the portal:** choose a VM under *VMs and Services*, *Assign to a cloud*.
# %% [markdown] lang="ja"
# ## 手順 1: クラウドに関連付ける
#
# クラウドに**対して**作成した仮想マシンは、最初からそのクラウドに属します (1.4 で作ったものがそうです)。この 3 台は Hyper-V マネージャーでホスト上に
# 作成されたので、どのクラウドにも属していません。1 台ずつ関連付けます。
#
# **ポータルで:** [VM とサービス] で仮想マシンを選び、[クラウドへの関連付け] をクリックします。
# %%
if course.todo("assign-cloud"):
    for vm in ("MYWSV01", "MYBSD01", "MYWSV02"):
        lab.site.vmm.assign(vm, "OnPremise Cloud")
course.check("assign-cloud")
# %% [markdown] lang="en" rules="2.4-2"
# ## Step 2: the operating system
#
# Hyper-V does not ask what runs in a VM, so VMM does not know either. `MYWSV01` and `MYWSV02` run Windows Server 2012 R2, `MYBSD01` runs FreeBSD 10.0.
# Try to say so:
# %% [markdown] lang="ja"
# ## 手順 2: オペレーティング システム
#
# Hyper-V は、仮想マシンの中で何が動くかを聞きません。そのため、VMM も知りません。`MYWSV01` と `MYWSV02` は Windows Server 2012 R2、`MYBSD01` は
# FreeBSD 10.0 です。そのとおりに指定してみます。
# %%
try:
    lab.site.vmm.set_system("MYBSD01", "FreeBSD 10.0")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **Your turn.** Set all three. In the portal: *Operating system*; in code `lab.site.vmm.set_system(VM, SYSTEM)`. Mind that the choice is wide, and
# that what can be set is not yet what can be protected: 32-bit systems are in the list, too.
#
# `course.solve` does a step for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# **やってみましょう。** 3 台とも設定してください。ポータルでは [オペレーティング システム]、コードでは `lab.site.vmm.set_system(VM, SYSTEM)` です。
# 指定できるものが、すべて保護できるわけではないことに注意してください。一覧には 32 ビットの OS もあります。
#
# `course.solve` は、まだ済んでいなければ、代わりに手順を実行します。自分で試している間は、このセルを飛ばしてください。
# %%
# ...
# %%
course.hint("set-system")
# %%
course.solve("set-system")
# %% [markdown] lang="en" rules="2.4-3"
# ## Step 3: the disk it starts from
#
# Exactly one disk, on IDE, is marked *Contains the operating system for the virtual machine*. None is wrong, and two are wrong. Here it is the disk
# called `os`.
#
# **In the portal:** *Contains the operating system for the virtual machine*.
# %% [markdown] lang="ja"
# ## 手順 3: OS の入ったディスク
#
# IDE 接続のディスク 1 つだけに、[バーチャル マシン用のオペレーティング システムを含む] の印を付けます。1 つもなくても、2 つあっても間違いです。
# ここでは、`os` というディスクです。
#
# **ポータルで:** [バーチャル マシン用のオペレーティング システムを含む] をクリックします。
# %%
for disks in ((), ("os", "data"), ("os",)):
    if course.todo("mark-disk"):
        lab.site.vmm.mark_system_disks("MYWSV01", *disks)
        verdict = {found.rule: found.severity for found in lab.vault.check("MYWSV01")}["2.4-3"]
        print(f"{disks!s:16} {verdict}")
# %%
if course.todo("mark-disk"):
    for vm in ("MYBSD01", "MYWSV02"):
        lab.site.vmm.mark_system_disks(vm, "os")
course.check("mark-disk")
# %%
show()
# %% [markdown] lang="en" rules="2.4-4"
# Nothing fails any more. (`MYBSD01` would be protected outside the guarantee: FreeBSD is on no list.) And what has happened to the VMs themselves in the meantime?
# Nothing: they were never stopped, and nothing was installed in them. A VM is protected as it runs.
# %% [markdown] lang="ja"
# 不適合はなくなりました (`MYBSD01` の FreeBSD は一覧にないので、動作保証外での保護になります)。この間、仮想マシンそのものには何が起きたでしょうか。
# 何も起きていません。一度も停止せず、中には何もインストールされていません。仮想マシンは、稼働したまま保護されます。
# %%
for vm, one in lab.site.machines.items():
    print(vm, one.state)
# %% [markdown] lang="en" rules="2.4-5"
# ## Will anybody get in?
#
# At the site a VM has a console in Hyper-V. **In Azure it has none.** Whoever wants to see it needs Remote Desktop (3389/TCP, Windows) or SSH
# (22/TCP, Linux and FreeBSD), enabled in the guest, let through its firewall, and tried out before. Enabling protection does not check it. From a
# computer of the site:
# %% [markdown] lang="ja"
# ## 中に入れるか
#
# サイトでは、Hyper-V のコンソールで仮想マシンの画面を見られます。**Azure にはコンソールがありません。** リモート デスクトップ (3389/TCP、Windows) か
# SSH (22/TCP、Linux、FreeBSD) をゲストで有効にし、ファイアウォールで許可し、接続できることを前もって確かめておきます。保護を有効にするときには、
# 確認されません。サイトのコンピューターから試します。
# %%
table = views.reach(lab)
table[table.client == "site"][["target", "port", "reached"]].reset_index(drop=True)
# %% [markdown] lang="en"
# ## Something to break: one disk too many
# %% [markdown] lang="ja"
# ## 壊して直す: 余分なディスク
# %%
course.trouble("two-system-disks")
# %%
course.check("two-system-disks")
# %% [markdown] lang="en"
# **Your turn.** The portal's table has a column *OS disk*.
# %% [markdown] lang="ja"
# **やってみましょう。** ポータルの表には [OS ディスク] の列があります。
# %%
# ...
# %%
course.hint("two-system-disks")
# %%
course.solve("two-system-disks")
# %% [markdown] lang="en"
# ## Something else to break: the door is shut
#
# This one refuses nothing, and warns only whoever asks. It would hurt on the day of the failover.
# %% [markdown] lang="ja"
# ## もう 1 つ壊して直す: 閉じた入り口
#
# 今度は、拒否されることはなく、確認した人にだけ警告が出ます。困るのは、フェールオーバーした日です。
# %%
course.trouble("closed-firewall")
# %%
show()
course.check("closed-firewall")
# %% [markdown] lang="en"
# **Your turn.** `lab.reach("site", "MYWSV01", 3389)` says at which point it ends. In the portal the cure is on *Site* > *Hyper-V* > *Remote Desktop or
# SSH*.
# %% [markdown] lang="ja"
# **やってみましょう。** `lab.reach("site", "MYWSV01", 3389)` は、どこで止まっているかを示します。ポータルでは、[サイト] > [Hyper-V] >
# [リモート デスクトップまたは SSH] で直します。
# %%
# ...
# %%
course.hint("closed-firewall")
# %%
course.solve("closed-firewall")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Cloud, operating system, one marked disk: each missing or wrong one refuses protection.
# - *Other Linux (64-bit)* stands for a 64-bit Linux or FreeBSD that VMM's list lacks.
# - Nothing is installed in the guest, and it need not be stopped.
# - Remote Desktop or SSH must be open before a failover: Azure has no console. Try it at the site, and again in a test failover (3.3).
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - クラウド、オペレーティング システム、印を付けた 1 つのディスク。どれか 1 つでも不適切だと、保護を有効にできません。
# - VMM の一覧にない 64 ビットの Linux や FreeBSD には、"Other Linux (64-bit)" を選びます。
# - ゲストには何もインストールせず、停止する必要もありません。
# - Azure にはコンソールがないので、リモート デスクトップか SSH を、フェールオーバーの前に使えるようにしておきます。サイトで試し、テスト フェールオーバー
#   (3.3) でも確かめます。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
