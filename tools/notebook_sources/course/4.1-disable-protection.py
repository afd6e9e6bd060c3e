# %% [markdown] lang="en" rules="1.1-8"
# # 4.1 Protection of the VMs off
#
# *In the guide: STEP 4, 4.1 仮想マシンの保護の無効化. About 10 minutes.*
#
# **STEP 4 takes everything down again.** In it you will learn to
#
# - disable the protection of virtual machines (4.1);
# - release the cloud (4.2);
# - unregister the server (4.3);
# - end the use of Site Recovery: delete the services (4.4).
#
# At its end nothing is left that costs, neither in Azure nor at the site. In this notebook you will
#
# - see that the four have an order, by trying them in the wrong one;
# - disable the protection of two VMs in the clean way;
# - take a third out of the vault while VMM is not there, and find out what that leaves behind;
# - clean it up by hand.
# %% [markdown] lang="ja"
# # 4.1 仮想マシンの保護の無効化
#
# *自習書: STEP 4「4.1 仮想マシンの保護の無効化」。所要時間は約 10 分です。*
#
# **STEP 4 では、作ったものをすべて片付けます。** 次のことを学びます。
#
# - 仮想マシンの保護の無効化 (4.1)
# - クラウドの保護の解除 (4.2)
# - サーバーの登録解除 (4.3)
# - Azure Site Recovery の利用停止: サービスの削除 (4.4)
#
# 最後には、Azure にもサイトにも、料金がかかるものは残りません。このノートブックでは、次のことをします。
#
# - 4 つの作業に順番があることを、わざと間違った順番で試して確かめる。
# - 2 台の仮想マシンの保護を、正しい方法で無効化する。
# - 3 台目は、VMM に接続できない状態で資格情報コンテナーから外し、何が残るかを調べる。
# - 残ったものを手作業で片付ける。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected and active at the site, as after 3.6. No test and no failover is open.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3.6 が終わり、3 台の仮想マシンが保護され、サイトで動いています。実行中のテストやフェールオーバーはありません。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("disable-protection")
# %% [markdown] lang="en" rules="4.1-1"
# ## There is an order
#
#     1  virtual machines   protection off          4.1
#     2  cloud              protection off          4.2      each needs the one before it,
#     3  VMM server         out of the vault        4.3      as a house is taken down from the roof
#     4  vault, storage account, network: deleted   4.4
#
# Try it from the other end. What does each refusal name?
# %% [markdown] lang="ja"
# ## 順番があります
#
#     1  仮想マシン      保護の無効化                              4.1
#     2  クラウド        保護の解除                                4.2      家を屋根から解体するように、
#     3  VMM サーバー    登録解除                                  4.3      前の作業が終わらないと次に進めません
#     4  資格情報コンテナー、ストレージ アカウント、ネットワークの削除   4.4
#
# 反対側から試してみましょう。それぞれ、何が理由で拒否されるでしょうか。
# %%
def ask(call, *arguments):
    try:
        call(*arguments)
    except labkit.LabError as refused:
        print(refused.message)


ask(lab.vault.delete, "MySiteRecovery")
ask(lab.vault.unregister_server, "SC01")
ask(lab.vault.release_cloud, "OnPremise Cloud")
# %% [markdown] lang="en"
# One list tells what is still there, costs, or is in the way (in the portal *Lab* > *What is left*:
# `portal.open(lab, "lab", "leftovers")` in a cell of your own). It gets shorter from notebook to
# notebook. `NaN` means that no price of September 2014 was found, not that it is free.
# %% [markdown] lang="ja"
# まだ残っているもの、料金がかかるもの、邪魔になるものは、次の一覧でわかります (ポータルでは [ラボ] > [残っているもの]。
# 自分で作ったセルで `portal.open(lab, "lab", "leftovers")` を実行すると開きます)。ノートブックが進むごとに短くなります。
# `NaN` は無料という意味ではなく、2014 年 9 月の価格がわからないという意味です。
# %%
views.leftovers(lab)[["kind", "name", "dollars_per_day"]]
# %% [markdown] lang="en" rules="4.1-2"
# ## Step 1: the clean way
#
# **In the portal:** *Protected Items* > *OnPremise Cloud* > *Virtual Machines*, choose the VM, then *Disable protection for the virtual
# machine*. (In the guide it is *Remove*, and a dialog *Confirm Removal of Virtual Machine* with the two choices; here each has its own
# command.) It cleans both sides, so both have to answer.
# %% [markdown] lang="ja"
# ## 手順 1: 正しい方法
#
# **ポータルで:** [保護された項目] > [OnPremise Cloud] > [仮想マシン] で仮想マシンを選び、[仮想マシンの保護の無効化] をクリックします (自習書の画面では
# [削除] をクリックすると [仮想マシンの削除の確認] ダイアログが開き、2 つの方法から選びます。このポータルでは別々のコマンドです)。両側が片付けられるので、
# 両側が応答する必要があります。
# %%
if course.todo("disable-vms"):
    for vm in ("MYWSV01", "MYWSV02"):
        if vm in lab.vault.items:
            lab.vault.disable_protection(vm, wait=True)
course.check("disable-vms")
# %%
job = [job for job in lab.jobs.values() if job.scenario == "DisableDr"][-1]
for task in job.tasks:
    print(task.started[11:19], task.title)
# %% [markdown] lang="en"
# The VMs themselves have noticed nothing: they run on. And replica disks in Azure are gone.
# %% [markdown] lang="ja"
# 仮想マシン自身には影響がなく、動き続けています。Azure のレプリカのディスクは、なくなりました。
# %%
print({vm: lab.site.machines[vm].state for vm in ("MYWSV01", "MYWSV02")})
views.items(lab)
# %% [markdown] lang="en" rules="4.1-2"
# ## Step 2: the other way
#
# Now something happens: the service of VMM stops. The next cell does it.
# %% [markdown] lang="ja"
# ## 手順 2: もう 1 つの方法
#
# ここで問題が起こります。VMM のサービスが停止します。次のセルが停止させます。
# %%
course.trouble("stop-managing")
# %%
try:
    lab.vault.disable_protection("MYBSD01", wait=True)
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# Only for such a day there is *Stop managing the virtual machine*: the vault forgets the VM, and asks nobody.
#
# **In the portal:** choose `MYBSD01`, *Stop managing the virtual machine*.
# %% [markdown] lang="ja"
# このような日のためだけに、[仮想マシンの管理を停止します] があります。資格情報コンテナーが仮想マシンの情報を消すだけで、サイトには何も要求しません。
#
# **ポータルで:** `MYBSD01` を選び、[仮想マシンの管理を停止します] をクリックします。
# %%
if course.todo("stop-managing"):
    lab.vault.stop_managing("MYBSD01", wait=True)
course.check("stop-managing")
# %% [markdown] lang="en"
# The list of protected VMs is empty; the portal now says *No virtual machines in the cloud are enabled for protection*. It looks like
# the same thing. Is it?
# %% [markdown] lang="ja"
# 保護された仮想マシンの一覧は空になりました。ポータルには「クラウド内に、保護が有効になっている仮想マシンがありません」と表示されます。同じ結果に見えますが、
# 本当に同じでしょうか。
# %%
left = views.leftovers(lab)
left[left.name.str.contains("MYBSD01")][["kind", "name"]]
# %% [markdown] lang="en" rules="4.1-3"
# ## Something to mend: the clean-up by hand
#
# VMM has kept its settings, the host its replication relationship, and Azure the replica disks, which cost. First the site. On real
# servers these are two scripts, in this order, when VMM is back:
#
# ```powershell
# # on the VMM server
# $vm = Get-SCVirtualMachine -Name "MYBSD01"
# Set-SCVirtualMachine -VM $vm -ClearDRProtection
# ```
#
# ```powershell
# # on the VMM server or on the host
# $namespace = "root\virtualization\v2"
# $vmName = "MYBSD01"
# $hostName = "HV01.demo.contoso.com"
# $query = "Select * From Msvm_ComputerSystem Where ElementName = '$vmName'"
# $vm = Get-WmiObject -Namespace $namespace -Query $query -ComputerName $hostName
# $replicationService = Get-WmiObject -Namespace $namespace -Query "Select * From Msvm_ReplicationService" -ComputerName $hostName
# $replicationService.RemoveReplicationRelationship($vm.__PATH)
# ```
#
# (The guide's listing uses `$namespace` without setting it; here it is whole.) The lab has a call for each. Start the service of VMM, and
# see what happens when the VM is to be protected again beforehand, and when the order is wrong:
# %% [markdown] lang="ja"
# ## 直してみる: 手作業の片付け
#
# VMM には設定が、ホストにはレプリケーション関係が、Azure にはレプリカのディスクが残っています。ディスクには料金がかかります。まず、サイトを片付けます。
# 実際のサーバーでは、VMM が使えるようになってから、次の 2 つのスクリプトをこの順番で実行します。
#
# ```powershell
# # VMM 管理サーバーで
# $vm = Get-SCVirtualMachine -Name "MYBSD01"
# Set-SCVirtualMachine -VM $vm -ClearDRProtection
# ```
#
# ```powershell
# # VMM 管理サーバーまたは Hyper-V ホストで
# $namespace = "root\virtualization\v2"
# $vmName = "MYBSD01"
# $hostName = "HV01.demo.contoso.com"
# $query = "Select * From Msvm_ComputerSystem Where ElementName = '$vmName'"
# $vm = Get-WmiObject -Namespace $namespace -Query $query -ComputerName $hostName
# $replicationService = Get-WmiObject -Namespace $namespace -Query "Select * From Msvm_ReplicationService" -ComputerName $hostName
# $replicationService.RemoveReplicationRelationship($vm.__PATH)
# ```
#
# (自習書のスクリプトでは `$namespace` が設定されていません。ここでは補ってあります。) ラボには、それぞれに対応するコマンドがあります。VMM のサービスを開始してから、
# 片付ける前にもう一度保護しようとするとどうなるか、順番を間違えるとどうなるかを見てみましょう。
# %%
if not lab.site.vmm.running:
    lab.site.vmm.start_service()
if course.todo("clean-up-by-hand"):
    ask(lab.vault.enable_protection, "MYBSD01")
    ask(lab.site.remove_replication_relationship, "MYBSD01", "HV01.demo.contoso.com")
# %% [markdown] lang="en"
# **Your turn.** Do both, in the right order. **In the portal:** *Site* > *VMM console*, choose the VM, *Set-SCVirtualMachine
# -ClearDRProtection*; then *Site* > *Hyper-V*, choose the VM, *Remove the replication relationship* (the host stands there by its full name).
# %% [markdown] lang="ja"
# **やってみましょう。** 正しい順番で、両方を実行してください。**ポータルで:** [サイト] > [VMM コンソール] で仮想マシンを選び、
# [Set-SCVirtualMachine -ClearDRProtection] をクリックします。次に [サイト] > [Hyper-V] で仮想マシンを選び、[レプリケーション関係の削除] をクリックします (ホストは完全な名前で表示されます)。
# %%
# ...
# %%
course.hint("clean-up-by-hand")
# %%
course.solve("clean-up-by-hand")
# %% [markdown] lang="en"
# The site is clean; `MYBSD01` could be protected again. The replica disks in Azure remain: remember them in 4.4.
# %% [markdown] lang="ja"
# サイトは片付きました。`MYBSD01` は、もう一度保護することもできます。Azure のレプリカのディスクはまだ残っています。4.4 まで覚えておいてください。
# %%
views.leftovers(lab)[["kind", "name", "dollars_per_day"]]
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Order: VMs, cloud, server, services. Out of order everything is refused, with the reason.
# - *Disable protection* cleans both sides, and needs both.
# - *Stop managing* works on the vault alone. VMM, host and storage account keep their part, and until the first two are clean the VM
#   cannot be protected again.
# - Clean up first in VMM, then on the host.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 順番は、仮想マシン、クラウド、サーバー、サービスです。順番を間違えると、理由とともに拒否されます。
# - [仮想マシンの保護の無効化] は両側を片付けるので、両側が応答する必要があります。
# - [仮想マシンの管理を停止します] は、資格情報コンテナーだけを変更します。VMM、ホスト、ストレージ アカウントには残ります。VMM とホストを片付けるまで、
#   その仮想マシンをもう一度保護することはできません。
# - 手作業の片付けは、VMM、ホストの順に行います。
# %%
course.progress()
