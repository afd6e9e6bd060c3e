# %% [markdown] lang="en"
# # 2.8 Protection of the VMs
#
# *In the guide: STEP 2, 2.8 仮想マシンの保護の有効化. About 10 minutes.*
#
# All is set up, and not one VM is protected yet. You will
#
# - protect one VM from the portal, and look over the shoulder of the job;
# - protect another one from the VMM console, where it is refused, and mend why;
# - find a VM that would cost seven times too much after a failover;
# - wait for the first copy, which alone makes a failover possible;
# - see in a copy of the lab what becomes of a VM with a name that Azure does not take, and with two network adapters.
# %% [markdown] lang="ja"
# # 2.8 仮想マシンの保護の有効化
#
# *自習書: STEP 2「2.8 仮想マシンの保護の有効化」。所要時間は約 10 分です。*
#
# 準備はすべて整いましたが、保護されている仮想マシンはまだ 1 台もありません。このノートブックでは、次のことをします。
#
# - 1 台目をポータルから保護し、ジョブの動きを追う。
# - 2 台目を VMM コンソールから保護しようとして拒否され、原因を取り除く。
# - フェールオーバーすると、料金が 7 倍になってしまう仮想マシンを見つける。
# - 最初のコピーが終わるのを待つ。終わらなければ、フェールオーバーはできない。
# - Azure で使えない名前の仮想マシンや、ネットワーク アダプターが 2 つある仮想マシンがどうなるかを、ラボのコピーで試す。
# %% [markdown] lang="en"
# ## Where you begin
#
# The cloud's protection is configured, the network mapped (2.7). Three VMs run and sell.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# VMM クラウドの保護は構成済みで、ネットワークもマップ済みです (2.7)。3 台の仮想マシンは実行中で、店は営業しています。
# %%
import math
import tempfile
from datetime import datetime
from pathlib import Path

import labkit
from labkit import course, portal

lab = course.start("enable-protection")
# %% [markdown] lang="en" rules="2.8-1"
# ## Two ways to one job
#
# ```text
# portal   Protected Items > cloud > Virtual Machines > Add virtual machines --+
#                                                                              +--> job "Enable protection"
# VMM      VMs and Services > cloud > VM > Manage Protection, tick, OK --------+
# ```
#
# Whoever lives in the portal takes the first, whoever lives in VMM the second; what follows is the same. The VM keeps running. The portal's
# list offers only VMs of the cloud that are not protected yet, and you may tick several:
# %% [markdown] lang="ja"
# ## 入り口は 2 つ、ジョブは 1 つ
#
# ```text
# ポータル  保護された項目 > クラウド > 仮想マシン > 仮想マシンの追加 ------+
#                                                                           +--> ジョブ「保護を有効にする」
# VMM       VM とサービス > クラウド > 仮想マシン > 保護の管理、チェック ---+
# ```
#
# ポータルで作業することが多い人は前者、VMM を使い慣れた人は後者を選びます。そのあとの動作は同じで、仮想マシンは実行したままです。ポータルの一覧に
# 表示されるのは、VMM クラウド内のまだ保護されていない仮想マシンだけです。複数を選択できます。
# %%
lab.vault.protectable("OnPremise Cloud")
# %% [markdown] lang="en" rules="2.8-2"
# ## Step 1: from the portal
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): *Protected Items* > *OnPremise Cloud* > *Virtual Machines* > *Add virtual machines*, tick `MYWSV01`. **In code:** below.
# Then look at the job's tasks: status, start, duration (the page rounds up to whole minutes), task.
# %% [markdown] lang="ja"
# ## 手順 1: ポータルから保護する
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、[保護された項目] > [OnPremise Cloud] > [仮想マシン] > [仮想マシンの追加] をクリックし、`MYWSV01` を選びます。
# **コードで:** 次のセルを実行します。そのあと、ジョブのタスクを見てください。順に、状態、開始時間、期間 (ページでは分単位に切り上げて
# 表示されます)、タスクです。
# %%
if course.todo("protect-vm"):
    lab.vault.enable_protection("MYWSV01", wait=True)
job = next(job for job in lab.jobs.values() if job.scenario == "EnableDr" and job.target == "MYWSV01")
for task in job.tasks:
    took = datetime.fromisoformat(task.ended) - datetime.fromisoformat(task.started)
    print(task.state, task.started[11:19], math.ceil(took.total_seconds() / 60), "min", task.title)
print(lab.site.machines["MYWSV01"].state, lab.vault.protectable("OnPremise Cloud"))
# %% [markdown] lang="en"
# First the requirements are checked, then the replica's place is found, the host is told, and the first copy *begins*. It has not ended: the
# job is done long before it. The VM runs, and is gone from the list of those on offer.
# %% [markdown] lang="ja"
# まず前提条件が確認され、次にレプリケーション先が決まり、ホストで構成され、最後に最初のコピーが**始まります**。終わったわけではありません。
# ジョブは、コピーが終わるよりずっと前に完了します。仮想マシンは実行中 (Running) のままで、追加の一覧からは消えました。
# %%
course.check("protect-vm")
# %% [markdown] lang="en" rules="2.8-3"
# The guide's list of protected items has five columns; we print them here (the lab's portal adds health and RPO). Look at the last one, the failover status: it is
# empty. The word behind the dash, *OK*, is the health, and says nothing about being ready.
# %% [markdown] lang="ja"
# 自習書の保護された項目の一覧には、5 つの列があります。ここでは文字で表示します (ラボのポータルには、正常性と RPO の列もあります)。順に、名前、アクティブな場所、
# レプリケーションの状態、ターゲットのサイズ、フェールオーバーの状態です。`Initial replication in progress - OK` は、ポータルの
# 「初期レプリケーションの進行中 - OK」です。最後の列は、まだ空です。ハイフンのあとの OK は正常性を表すだけで、準備完了という意味ではありません。
# %%
def items() -> None:
    for name, row in lab.status()["items"].items():
        where = row["cloud"] if row["active_location"] == "Primary" else "Microsoft Azure"
        print(f"{name:8} | {where} | {row['status']:36} | {row['size']:2} | {row['failover']}")


items()
# %% [markdown] lang="en"
# ## Step 2: from VMM, and something to mend
#
# For `MYBSD01` take the other way. But a colleague has been at its properties:
# %% [markdown] lang="ja"
# ## 手順 2: VMM から保護し、失敗の原因を取り除く
#
# `MYBSD01` は、もう 1 つの方法で保護します。ところが、同僚がプロパティを触ったようです。
# %%
if course.todo("protect-from-vmm"):
    print(course.trouble("protect-from-vmm"))
    try:
        lab.site.vmm.enable_protection("MYBSD01", wait=True)
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# The job has failed at its first task, and the error names the cause; where there are several it names all of them. The page *Jobs* keeps it
# (*Error details*).
#
# **Your turn.** Mend the property, and enable the protection again. In the portal everything is at *Site* > *VMM console*: choose `MYBSD01`, *Contains the
# operating system for the virtual machine*, then *Enable Hyper-V Recovery Manager protection for this virtual machine*.
# (`course.solve` does it for you: leave it out while you try yourself.)
# %% [markdown] lang="ja"
# ジョブは最初のタスクで失敗し、エラーには原因が書かれています。原因が複数あれば、すべて示されます。あとからでも、[ジョブ] ページの [エラー詳細] で確認できます。
#
# **やってみましょう。** プロパティを直して、もう一度保護を有効にしてください。ポータルではどちらも [サイト] > [VMM コンソール] にあります。`MYBSD01` を
# 選び、[バーチャル マシン用のオペレーティング システムを含む]、続いて [このバーチャル マシンの Hyper-V Recovery Manager 保護を有効化する] を
# クリックします (`course.solve` は代わりに実行するセルなので、自分で試している間は飛ばしてください)。
# %%
# ...
# %%
course.hint("protect-from-vmm")
# %%
course.solve("protect-from-vmm")
# %% [markdown] lang="en" rules="2.8-4"
# ## Step 3: the size, and what it costs
#
# For each VM the service has chosen a size in Azure, from its CPUs, its memory and its number of disks: the first that is large enough. Now the third VM:
# %% [markdown] lang="ja"
# ## 手順 3: サイズと料金
#
# サービスは、CPU 数、メモリ、ディスクの数から、Azure でのサイズを自動的に選びます。足りるもののうち、最初のものです。では、3 台目を保護します。
# %%
if "MYWSV02" not in lab.vault.items:
    lab.vault.enable_protection("MYWSV02", wait=True)
prices = {row.item: row.price for row in lab.azure.prices()}
for name, item in lab.vault.items.items():
    vm, system = lab.site.vmm.vms[name], "linux" if "BSD" in lab.site.machines[name].os else "windows"
    hour = float(prices[f"compute.{system}.{item.size}"])
    memory = f"{vm.memory / 2**30:.1f} GB | {vm.memory_max / 2**30:6.1f} GB"
    print(f"{name} | {vm.cpu} CPU | {memory} | {item.size:2} | ${hour:.2f} | ${hour * 720:3.0f}")
# %% [markdown] lang="en"
# (CPUs, memory and its maximum; size, price of an hour and of thirty days by the lab's price list.) `MYWSV02` is as small as `MYWSV01`, but its memory is dynamic, and
# the maximum was left at the default of Hyper-V, 1 TB. That counts. Nothing is that large, so the largest was taken. As long as it runs
# at the site nobody is charged for it; the surprise comes with the bill of the month in which you failed over.
#
# **Your turn.** Give it the size M. In the portal: *Change target size, name or adapter*; in code `lab.vault.set_target`.
# %% [markdown] lang="ja"
# 表示しているのは、CPU 数、メモリとその最大値、サイズ、1 時間の料金と 30 日間の料金 (ラボの価格表による) です。`MYWSV02` は `MYWSV01` と同じ大きさですが、動的メモリを
# 使っていて、最大値が Hyper-V の既定の 1 TB のままです。サイズは、この最大値で決まります。1 TB に足りるサイズはないので、最大のものが選ばれました。
# サイトで動いている間は料金がかかりません。気づくのは、フェールオーバーした月の料金明細が届いたときです。
#
# **やってみましょう。** サイズを M に変更してください。ポータルでは [ターゲットのサイズ、名前、アダプターの変更]、コードでは `lab.vault.set_target` です。
# %%
# ...
# %%
course.hint("target-size")
# %%
course.solve("target-size")
# %% [markdown] lang="en"
# You know better than the table, so the lab takes it; but it says on the item's page what is too small, and you should know why that
# does not matter here.
# %% [markdown] lang="ja"
# 事情を知っているのはあなたなので、ラボはそのまま受け付けます。ただし、足りないものは項目のページに表示されます。なぜ問題ないのか、説明できるようにしておきましょう。
# %%
lab.vault.target("MYWSV02")
# %% [markdown] lang="en"
# ## Step 4: wait for the first copy
#
# Try a failover now:
# %% [markdown] lang="ja"
# ## 手順 4: 最初のコピーを待つ
#
# 今、フェールオーバーしようとすると、どうなるでしょうか。
# %%
if course.todo("initial-replication"):
    try:
        lab.vault.planned_failover("MYWSV02")
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# Half a replica does not start. `lab.wait` lets time pass until a VM is at rest; in real life that takes hours, and nights.
# %% [markdown] lang="ja"
# 半分だけのレプリカは起動できません。`lab.wait` は、仮想マシンの状態が落ち着くまで時間を進めます。実際の環境なら、何時間も、ときには何日もかかります。次の一覧の `Protected - OK` はポータルの「保護済み - OK」、`Ready` は「準備完了」です。
# %%
if course.todo("initial-replication"):
    for name in lab.vault.items:
        lab.wait(lab.vault.items[name])
items()
# %%
course.check("initial-replication")
# %% [markdown] lang="en" rules="1.4-13, 1.4-14"
# ## An experiment: an odd VM
#
# In a copy of the lab somebody makes a VM called `web_1`, with two network adapters. Does the readiness check object? Will it be protected? Will it
# fail over?
# %% [markdown] lang="ja"
# ## 実験: 変わった仮想マシン
#
# ラボのコピーで、`web_1` という名前の、ネットワーク アダプターが 2 つある仮想マシンを作ります。要件の確認で何と言われるでしょうか。
# 保護できるでしょうか。フェールオーバーはできるでしょうか。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(Path(folder) / "copy.lab")) as copy:
    legs = [{"name": "LAN"}, {"name": "Backup"}]
    copy.site.vmm.create_vm("web_1", "Windows Server 2012 R2", cloud="OnPremise Cloud", adapters=legs)
    print([(found.rule, found.severity) for found in copy.vault.check("web_1") if found.severity != "holds"])
    copy.vault.enable_protection("web_1", wait=True)
    copy.wait(copy.vault.items["web_1"])
    print(copy.vault.target("web_1"))
    try:
        copy.vault.unplanned_failover("web_1", wait=True)
    except labkit.LabError as refused:
        print(refused)
    print(copy.vault.set_target("web_1", azure_name="web-1", adapter="Backup"))
    copy.vault.test_failover("web_1", wait=True)
    print(list(copy.azure.machines))
# %% [markdown] lang="en"
# Two warnings, no refusal: it is protected and replicated. The service has taken one of the adapters, the first, and perhaps not the one you
# meant. And it fails over only when the name for Azure has been set by hand: letters, digits, hyphens. Size and name are
# on the VM's page under *Source and target properties*, and all three in *Change target size, name or adapter*. Look at them before you need them.
# %% [markdown] lang="ja"
# 警告が 2 つ出ますが、拒否はされません。保護もレプリケーションもできます。アダプターは、サービスが 1 つを (ここでは最初のものを) 選びました。あなたが
# 使いたいほうとは限りません。フェールオーバーは、Azure での名前を手動で設定するまで拒否されます。使えるのは、英数字とハイフンです。サイズと名前は、
# 仮想マシンのページの [ソースとターゲットのプロパティ] に表示され、アダプターも含めた 3 つを [ターゲットのサイズ、名前、アダプターの変更] で変更できます。必要になる前に、確認しておきましょう。
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Portal and VMM start the same job; it is over when the first copy *begins*.
# - A VM is ready for failover when the first copy has *ended*, and not before.
# - A failed job names all causes. Mend them and enable again.
# - The size in Azure decides the bill. Dynamic memory makes it large; look, and correct it.
# %% [markdown] lang="ja"
# ## まとめ
#
# - ポータルからでも VMM からでも、同じジョブが始まります。ジョブは、最初のコピーが**始まった**ところで完了します。
# - フェールオーバーの準備が完了するのは、最初のコピーが**終わって**からです。
# - ジョブが失敗したら、すべての原因が示されます。取り除いて、もう一度有効にします。
# - Azure でのサイズは、料金を左右します。動的メモリの仮想マシンは大きくなりがちなので、確認して変更します。
# %%
course.progress()
