# %% [markdown] lang="en" rules="1.1-8"
# # 3.1 What a failover is
#
# *In the guide: STEP 3, 3.1 フェールオーバーとは. About 10 minutes.*
#
# **STEP 3, managing failovers, begins here.** What you will learn in it: what Azure does in a failover (3.1); making recovery plans (3.2); the
# test failover (3.3); the planned (3.4) and the unplanned one (3.5); and the way back, failback (3.6).
#
# Nothing is failed over in your lab in this notebook; copies of it must suffer. You will
#
# - see which way clients take to a VM, before and after a failover;
# - try the three kinds of failover with the site in order, without VMM, and without power;
# - set targets for RTO, RPO and MTD;
# - put a domain controller into Azure, and find out what for;
# - lose the VPN, and mend it.
# %% [markdown] lang="ja"
# # 3.1 フェールオーバーとは
#
# *自習書: STEP 3「3.1 フェールオーバーとは」。所要時間は約 10 分です。*
#
# **ここから STEP 3「フェールオーバーの管理」です。** この STEP では、フェールオーバーで Azure が何をするのか (3.1)、復旧計画の作成 (3.2)、
# テスト フェールオーバー (3.3)、計画されたフェールオーバー (3.4)、計画されていないフェールオーバー (3.5)、そして元に戻すフェールバック (3.6) を
# 学習します。
#
# このノートブックでは、あなたのラボではフェールオーバーしません。ラボのコピーで試します。次のことをします。
#
# - フェールオーバーの前と後で、クライアントがどの道を通って仮想マシンにアクセスするかを見る。
# - 3 種類のフェールオーバーを、サイトが正常なとき、VMM が止まっているとき、停電したときに試す。
# - RTO、RPO、MTD の目標を設定する。
# - Azure にドメイン コントローラーを置き、何の役に立つのかを確かめる。
# - VPN が切れたら、どうなるかを調べて直す。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected, replication has run for a while (2.9). In Azure there are disks, and not one VM. Copies of the lab are made by
# the little function `another`, each in a folder that goes away by itself.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンが保護され、しばらくレプリケーションが続いています (2.9)。Azure にあるのはディスクだけで、仮想マシンは 1 台もありません。ラボのコピーは、
# 短い関数 `another` で作ります。コピーは、自動的に消えるフォルダーに作られます。
# %%
import tempfile
from pathlib import Path

import labkit
from labkit import course, portal

lab = course.start("failover")
folder = tempfile.TemporaryDirectory()
copies = iter(range(1000))


def another() -> labkit.Lab:
    return labkit.open(lab.copy(Path(folder.name) / f"copy-{next(copies)}.lab"))


list(lab.azure.machines)
# %% [markdown] lang="en" rules="3.1-3, 1.2-6"
# ## Where do clients go?
#
# ```text
# ordinary running                      after a failover
#
# client --- DNS: MYWSV01 = 192.168...  client --- DNS: MYWSV01 = 10.0...
#    |                                     |
#    +--- LAN ---> MYWSV01                 +--- VPN, always up ---> MYWSV01 in Azure
# ```
#
# The name stays, the address changes: the guest that starts in Azure enters its new one in the DNS by itself (dynamic DNS). So nothing is to be changed
# at any client. The site map shows both sides, and whom the clients reach:
# %% [markdown] lang="ja"
# ## クライアントはどこへ行くか
#
# ```text
# 通常運用時                              フェールオーバー後
#
# クライアント - DNS: MYWSV01 = 192.168…  クライアント - DNS: MYWSV01 = 10.0…
#    |                                       |
#    +--- LAN ---> MYWSV01                   +--- VPN (常時接続) ---> Azure の MYWSV01
# ```
#
# 名前は同じで、アドレスが変わります。Azure で起動したゲストが、新しいアドレスを自分で DNS に登録するからです (動的 DNS)。クライアント側では、何も変更する
# 必要がありません。サイト マップには、両方の側と、クライアントがどこに届くかが表示されます。
# %%
portal.site_map(lab)
# %%
found = lab.reach("site", "MYWSV01", 3389)
print(found.address, " > ".join(found.path))
# %% [markdown] lang="en"
# **Your turn.** At which address does a computer of the site find `MYWSV01` today? `course.answer("address-today", ...)`. (`course.solve` does it
# for you: leave it out while you try yourself.)
# %% [markdown] lang="ja"
# **やってみましょう。** 今日、サイトのコンピューターから見た `MYWSV01` のアドレスは何でしょうか。`course.answer("address-today", ...)` で答えてください
# (`course.solve` は代わりに実行するセルなので、自分で試している間は飛ばしてください)。
# %%
# ...
# %%
course.solve("address-today")
# %% [markdown] lang="en"
# And in a copy, after a planned failover: the same question, the same name. Then once more with the VPN down, and in another copy in which the DNS takes no
# updates any more.
# %% [markdown] lang="ja"
# コピーで計画されたフェールオーバーをしたあと、同じ名前で同じことを調べます。さらに、VPN が切れた場合と、別のコピーで DNS が更新を受け付けない場合も
# 試します。
# %%
with another() as copy:
    copy.vault.planned_failover("MYWSV01", wait=True)
    copy.run("5min")
    found = copy.reach("site", "MYWSV01", 3389)
    print(found.address, " > ".join(found.path))
    copy.faults.lose_vpn()
    print(copy.reach("site", "MYWSV01", 3389).words)
with another() as copy:
    copy.faults.break_dns()
    copy.vault.planned_failover("MYWSV01", wait=True)
    copy.run("5min")
    found = copy.reach("site", "MYWSV01", 3389)
    print(found.address, found.words)
# %% [markdown] lang="en" rules="3.1-1, 3.1-2"
# ## Three kinds
#
# | kind | what for | VMM | loses |
# |---|---|---|---|
# | test | to see whether it would work; beside production | not needed | nothing, replication goes on |
# | planned | maintenance, a storm that is forecast | needed | nothing |
# | unplanned | the site is gone | not needed | what had not arrived: the RPO |
#
# Is that so? Nine copies: each kind with the site in order, with VMM stopped, and with the site's power gone.
# %% [markdown] lang="ja"
# ## 3 つの種類
#
# | 種類 | 用途 | VMM との接続 | 失うもの |
# |---|---|---|---|
# | テスト フェールオーバー | 本番と並べて、うまくいくかどうかを確かめる | 不要 | なし (レプリケーションは続く) |
# | 計画されたフェールオーバー | メンテナンス、台風の接近など | 必須 | なし |
# | 計画されていないフェールオーバー | サイトが使えなくなった | 不要 | 届いていなかったデータ (RPO) |
#
# 本当にそうでしょうか。コピーを 9 つ作り、それぞれの種類を、サイトが正常なとき、VMM が停止しているとき、サイトが停電したときに試します。
# %%
kinds = ("test_failover", "planned_failover", "unplanned_failover")
for kind in kinds:
    for lost in ("", "VMM", "site"):
        with another() as copy:
            if lost == "VMM":
                copy.site.vmm.stop_service()
            elif lost == "site":
                copy.faults.lose_site()
            try:
                told = getattr(copy.vault, kind)("MYWSV01", wait=True).state
                if kind != "test_failover":
                    told += f", RPO {copy.vault.failovers[-1].rpo:.0f} s"
            except labkit.LabError as refused:
                told = refused.message
            print(f"{kind:18} | {lost:4} | {told}")
# %% [markdown] lang="en"
# (The second column is what was lost. `Suspended`: the test runs, and waits for your word. While the site runs, the VM goes on writing until the failover switches
# over; without power it stopped at once, so the RPO is smaller there.) Without VMM a planned failover is refused, for nobody could shut the VM down and send the rest. The other two ask nobody at the site. After a planned and after an unplanned failover the way back is
# a *planned failover in the other direction* (3.6), when the site is up.
#
# All of them start from the newest recovery point unless you choose another, with one click, for one VM or for a whole plan (3.2). A planned failover to an
# earlier point loses what came after it. In an emergency you take the newest, and choose again between the failover and its commit.
# %% [markdown] lang="ja"
# 2 列目は、失われたものです。`Succeeded` は完了、`Suspended` はアクションを待機 (テストが始まり、あなたの指示を待っている状態) です。サイトが動いていれば、切り替えの瞬間まで書き込みが続きます。停電では書き込みがすぐに止まるので、RPO の数字は小さくなります。VMM がなければ、計画されたフェールオーバーは拒否されます。仮想マシンをシャットダウンして、残りを送信する人がいないからです。ほかの 2 つは、サイト側に何も
# 要求しません。計画されたフェールオーバーのあとも、計画されていないフェールオーバーのあとも、元に戻すときは、サイトが復旧してから**反対方向の計画されたフェールオーバー**を実行します (3.6)。
#
# どれも、ワン クリックで、別のものを選ばなければ最新の復旧ポイントから始まります。1 台の仮想マシンでも、復旧計画全体 (3.2) でも同じです。古い復旧ポイントへの計画されたフェールオーバーでは、
# そのあとの変更が失われます。非常時には、まず最新の復旧ポイントで始め、フェールオーバーのあと、コミットするまでの間に選び直します。
# %% [markdown] lang="en" rules="3.1-5"
# ## Where the commands are
#
# In the bar at the foot of the page, for a VM (*Protected Items* > *OnPremise Cloud* > *Virtual Machines*) or a plan: *Test failover*, *Planned failover*, *Unplanned
# failover*, *Commit*, *Failback*, *Reverse replicate* and so on. What is not allowed now is grey, with the reason. Here is what is allowed
# before a failover, and between failover and commit; and what is said to whoever does not look:
# %% [markdown] lang="ja"
# ## コマンドの場所
#
# コマンドはページの下のバーにあります。仮想マシンなら [保護された項目] > [OnPremise Cloud] > [仮想マシン]、復旧計画なら [復旧計画] のページです。
# [テスト フェールオーバー]、[計画されたフェールオーバー]、[計画されていないフェールオーバー]、[コミット]、[フェールバック]、[レプリケーションの反転] などが
# あります。今は実行できないコマンドは淡色になり、理由が表示されます。次のセルは、フェールオーバー前に実行できる操作、フェールオーバー後コミット前に
# 実行できる操作、そして、実行できない操作をしたときの表示です。
# %%
print(*lab.vault.items["MYWSV01"].allowed_operations)
with another() as copy:
    copy.vault.planned_failover("MYWSV01", wait=True)
    print(*copy.vault.items["MYWSV01"].allowed_operations)
    try:
        copy.vault.unplanned_failover("MYWSV01")
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en" rules="1.1-3"
# ## Step 1: targets
#
# A failover is good or bad only beside what was agreed. **RPO**: how much data may be lost, as time. **RTO**: how long until the application answers
# again. **MTD**: how long the business can bear it at all; RTO has to be well within. The lab keeps the targets and measures every failover against them.
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): choose `MYWSV01`, *Set targets* in the bar: RTO `30min`, RPO `10min`, MTD `4h`. **In code:** the next cell.
# %% [markdown] lang="ja"
# ## 手順 1: 目標を設定する
#
# フェールオーバーがうまくいったかどうかは、決めておいた目標と比べて初めてわかります。**目標復旧時点 (RPO)** は、どこまでのデータの損失を許すかを時間で表したもの、
# **目標復旧時間 (RTO)** は、アプリケーションが再び応答するまでの時間、**最大許容停止時間 (MTD)** は、業務がどこまでの停止に耐えられるかです。RTO は、
# MTD より十分に短くします。ラボは目標を記録し、フェールオーバーのたびに結果を測ります。
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、`MYWSV01` を選んで、下のバーの [目標の設定] で、RTO に `30min`、RPO に `10min`、MTD に `4h` と入力します。**コードで:** 次のセルを実行します。
# %%
if course.todo("set-objectives"):
    lab.vault.set_objectives("MYWSV01", rto="30min", rpo="10min", mtd="4h")
# %%
course.check("set-objectives")
# %% [markdown] lang="en"
# Would an unplanned failover meet them, when the power goes?
# %% [markdown] lang="ja"
# 停電して、計画されていないフェールオーバーをした場合、目標を達成できるでしょうか。
# %%
with another() as copy:
    copy.faults.lose_site()
    copy.run("20min")
    copy.vault.unplanned_failover("MYWSV01", wait=True)
    copy.run("10min")
    copy.vault.commit("MYWSV01", wait=True)
    for one in copy.vault.objectives:
        achieved = "-" if one.achieved is None else f"{one.achieved / 60_000:.1f} min"
        print(f"{one.objective}  {one.target / 60_000:5.0f} min  {achieved:8}  {one.verdict}")
# %% [markdown] lang="en" rules="3.1-4"
# From the click until the application answered (rto), the data lost (rpo), and the whole outage with the time it took to decide (mtd): all three are met (*met*).
#
# ## Step 2: a domain controller that is always on
#
# The virtual network and its VPN exist all the time, failover or not. So other VMs may live there, which have nothing to do with Site Recovery: a second domain
# controller, a DNS server, replicating with those of the site in both directions.
#
# **In the portal:** *Azure* > *Virtual Machines* > *Create virtual machine*: `DC02` on `AzureNetwork`. **In code:** the next cell.
# %% [markdown] lang="ja"
# 目標と結果です。失ったデータ (rpo)、フェールオーバーを始めてからアプリケーションが応答するまで (rto)、決断までの時間も含めた停止全体 (mtd) のどれも、目標を
# 達成しました (met)。
#
# ## 手順 2: いつも動いているドメイン コントローラー
#
# 仮想ネットワークと VPN は、フェールオーバーに関係なく、いつもあります。そこで、Site Recovery とは関係のない仮想マシンを置いておくこともできます。
# 2 台目のドメイン コントローラーや DNS サーバーを動かし、サイトとの間で双方向に複製します。
#
# **ポータルで:** [Azure] > [仮想マシン] > [仮想マシンの作成] で、`DC02` を `AzureNetwork` に作成します。**コードで:** 次のセルを実行します。
# %%
if course.todo("domain-controller"):
    if "DC02" not in lab.azure.machines:
        lab.azure.create_machine("DC02", network="AzureNetwork")
    lab.run("5min")
# %%
course.check("domain-controller")
# %% [markdown] lang="en"
# What is it good for? Fail over `MYWSV01` in copies with and without `DC02`, with and without the VPN, and log on with an account of the domain:
# %% [markdown] lang="ja"
# 何の役に立つのでしょうか。`DC02` がある場合とない場合、VPN がある場合とない場合のコピーで `MYWSV01` をフェールオーバーし、ドメインのアカウントで
# サインインしてみます。
# %%
for controller in (True, False):
    for vpn in (True, False):
        with another() as copy:
            copy.vault.unplanned_failover("MYWSV01", wait=True)
            copy.run("5min")
            copy.azure.add_endpoint("MYWSV01", "Remote Desktop", 3389, 3389)
            if not controller:
                copy.azure.delete_machine("DC02")
            if not vpn:
                copy.faults.lose_vpn()
            try:
                told = copy.azure.connect("MYWSV01", r"DEMO\Administrator").user
            except labkit.LabError as refused:
                told = refused.message
            print(f"DC02 {controller!s:5} | VPN {vpn!s:5} | {told}")
# %% [markdown] lang="en"
# One of the two has to be there: a domain controller in Azure, or a VPN to one at the site. And after a disaster the VPN leads to a site that is gone.
#
# ## Something to break
#
# Somebody calls: nobody at the site reaches `DC02` any more. The line is up, replication is fine.
# %% [markdown] lang="ja"
# どちらか 1 つが必要です。Azure のドメイン コントローラーか、サイトのドメイン コントローラーにつながる VPN です。災害のあとの VPN は、もう存在しないサイトに
# つながっています。
#
# ## 壊して直す
#
# 「サイトの誰も `DC02` に接続できません」と電話がかかってきました。回線は正常で、レプリケーションも続いています。
# %%
course.trouble("vpn-down")
# %%
course.check("vpn-down")
# %% [markdown] lang="en"
# **Your turn.** Find the reason (site map, or `lab.reach`), and mend it: *Lab* > *Faults*.
# %% [markdown] lang="ja"
# **やってみましょう。** 理由を調べて ([サイト マップ] または `lab.reach`)、直してください。[ラボ] > [障害] で操作できます。
# %%
# ...
# %%
course.hint("vpn-down")
# %%
course.solve("vpn-down")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Azure's part in a failover: storage has the disks, a VM is made only now, the virtual network and its VPN were there all the time.
# - Clients keep the name; the address changes. That needs VPN and DNS.
# - Test and unplanned ask nobody at the site; planned needs VMM and loses nothing.
# - Targets first, then failovers: only beside a target is a figure good or bad.
# - Plan for log-on and names in Azure: the site's domain controller may be what you have lost.
# %% [markdown] lang="ja"
# ## まとめ
#
# - フェールオーバーのときに初めて、ストレージにあるディスクから仮想マシンが作られます。仮想ネットワークと VPN は、その前から用意しておきます。
# - クライアントから見た名前は変わらず、アドレスが変わります。それには VPN と DNS が必要です。
# - テスト フェールオーバーと計画されていないフェールオーバーは、サイト側に何も要求しません。計画されたフェールオーバーは VMM が必須で、何も失いません。
# - 先に目標を決めます。数字の良し悪しは、目標と比べて初めてわかります。
# - Azure でのサインインと名前解決も計画しておきます。失ったのは、サイトのドメイン コントローラーかもしれません。
# %%
course.progress()
