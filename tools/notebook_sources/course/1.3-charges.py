# %% [markdown] lang="en"
# # 1.3 What it costs
#
# *In the guide: STEP 1, 1.3 Azure Site Recovery の利用料金. About 10 minutes.*
#
# A second data centre costs before the first disaster. What does Azure cost, and when? You will
#
# - read the bill of a small protected site, and work it out yourself;
# - find the gigabytes that are free, and the things that are not;
# - put a test failover on the bill;
# - compare pay-as-you-go with the subscription licence, and stop somebody who bought too many of them;
# - end a month, and see what the **average** of a month means.
# %% [markdown] lang="ja"
# # 1.3 Azure Site Recovery の利用料金
#
# *自習書: STEP 1「1.3 Azure Site Recovery の利用料金」。所要時間は約 10 分です。*
#
# 2 つ目のデータセンターには、災害が起きる前から費用がかかります。Azure では、何に、いつ費用がかかるのでしょうか。このノートブックでは、
# 次のことをします。
#
# - 保護された小さなサイトの料金明細を読み、自分でも計算する。
# - 無料になる転送と、無料にならないものを見つける。
# - テスト フェールオーバーの料金を明細で確かめる。
# - 従量課金制とサブスクリプション ライセンスを比べ、買いすぎたライセンスを止める。
# - 月末まで進めて、1 か月の**平均**が何を意味するかを見る。
# %% [markdown] lang="en"
# ## Where you begin
#
# Somebody else has set everything up: `MYWSV01` and `MYBSD01` are protected to Azure since this morning.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# セットアップは、ほかの人が済ませています。`MYWSV01` と `MYBSD01` は、今朝から Azure に対して保護されています。
# %%
from labkit import course, portal, views

lab = course.start("charges")
# %% [markdown] lang="en" rules="1.3-3"
# ## What stands on a bill
#
# | | when | how it is counted |
# | --- | --- | --- |
# | protection | always | for each VM, by the month's average |
# | storage | always | GB that replicas take, for the month |
# | storage transactions | always | each access to the storage account |
# | traffic **to** Azure | always | free |
# | traffic **out of** Azure | failback, VPN | GB |
# | VPN gateway | once the network has a VPN | hours |
# | compute | failovers and tests | minutes of each VM, by its size and by its guest, Windows or Linux |
#
# **In the portal** (`portal.open(lab, "azure", "bill")` in a cell of your own): *Azure* > *Bill*. The chart there is live: it grows as the days go by.
# %% [markdown] lang="ja"
# ## 料金明細の項目
#
# | | 発生するとき | 計算の単位 |
# | --- | --- | --- |
# | 保護 | 常に | 仮想マシンごと、1 か月の平均 |
# | ストレージ | 常に | レプリカが使う GB、月単位 |
# | ストレージ トランザクション | 常に | ストレージ アカウントへのアクセス |
# | Azure **への**データ転送 | 常に | 無料 |
# | Azure **からの**データ転送 | フェールバック、VPN | GB |
# | VPN ゲートウェイ | ネットワークに VPN があるとき | 時間 |
# | コンピューティング | フェールオーバーとテスト | 仮想マシンごとの分数。サイズとゲスト OS (Windows または Linux) で異なる |
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "azure", "bill")` を実行し、[Azure] > [料金明細] を開きます。グラフは、日がたつにつれて伸びていきます。
# %%
portal.cost_chart(lab)
# %% [markdown] lang="en"
# ## Step 1: let the meter run
#
# Let time pass until tomorrow: with the clock in the portal, or with the next cell.
# %% [markdown] lang="ja"
# ## 手順 1: 翌日まで進める
#
# ポータルの時計か、次のセルで、時間を翌日まで進めます。
# %%
if course.todo("first-bill"):
    lab.run("16h")
course.check("first-bill")
# %%
def show(bill):
    for name, part in bill.components.items():
        dollars = "-" if part.dollars is None else f"${part.dollars:,.2f}"
        print(f"{name:21} {part.quantity:>24} {dollars:>12}")
    print(f"{'':21} {'':24} {f'${bill.dollars:,.2f}':>12}  ¥{bill.yen:,.0f}")


show(lab.azure.bill())
# %% [markdown] lang="en"
# What has no price of September 2014 that could be found has a `-`: the lab does not guess.
#
# **How many VM-days of protection are there?** Two VMs, and the days on which each was protected at any moment.
#
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# 2014 年 9 月の価格が見つからなかったものは `-` と表示されます。推測はしません。
#
# **保護は、何「台・日」(VM-days) になっていますか。** 仮想マシンは 2 台です。少しでも保護されていた日は、1 日と数えます。
#
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
# course.answer("vm-days", ...)
course.hint("vm-days")
# %%
course.solve("vm-days")
# %% [markdown] lang="en" rules="1.3-1"
# ## An experiment: the average of a month
#
# Protection is charged by the **average number of protected VMs a day**, not rounded. Twenty VMs for the first fifteen days of
# a month of thirty, and none after that, are charged as ten:
# %% [markdown] lang="ja"
# ## 実験: 1 か月の平均
#
# 保護の料金は、**1 日あたりに保護した仮想マシンの平均数**で決まり、端数は丸めません。30 日の月の前半 15 日間に 20 台を保護し、後半は
# 1 台も保護しなければ、10 台ぶんになります。
# %%
protected = [20] * 15 + [0] * 15
sum(protected) / len(protected)
# %% [markdown] lang="en" rules="1.3-2"
# Now the same for your own two days. The price is data, with its source and date, and differs between the two deployments.
# (The compute prices are of a later list; one of 2014 was not found.)
# %% [markdown] lang="ja"
# 同じ計算を、自分の 2 日間でしてみます。単価は出典と日付の付いたデータで、展開方法によって異なります (コンピューティングの
# 単価は後年の価格表のものです。2014 年の価格表は見つかっていません)。
# %%
prices = {row.item: row for row in lab.azure.prices()}
for item in ("protection.azure", "protection.site", "traffic.in", "compute.windows.M", "compute.linux.M", "storage.grs"):
    row = prices[item]
    print(f"{item:18} {row.price or '-':>5} {row.unit or '':15} {row.dated or '-'}")
# %%
vm_days, days_of_october = 4, 31
average = vm_days / days_of_october
print(f"{average:.3f} x ${prices['protection.azure'].price} = ${average * float(prices['protection.azure'].price):.2f}")
# %% [markdown] lang="en"
# Is that what stands on the bill? (To another site of yours it would be `protection.site`, and less than a third.)
#
# **Gigabytes have crossed the line since this morning, and cost nothing. Which component of the bill is free?**
# %% [markdown] lang="ja"
# 明細の金額と一致しましたか (自社の別のサイトに対する保護なら `protection.site` で、3 分の 1 以下です)。
#
# **今朝から何 GB も回線を通りましたが、料金がかかっていません。無料なのは、明細のどの項目ですか。**
# %%
# course.answer("free-of-charge", ...)
course.hint("free-of-charge")
# %%
course.solve("free-of-charge")
# %% [markdown] lang="en" rules="1.2-5"
# ## Step 2: a test failover on the bill
#
# So far `compute` is 0 minutes: no VM exists in Azure. Start a test failover of `MYWSV01`, leave it open for two hours, complete it.
#
# **In the portal:** *Protected Items* > *OnPremise Cloud* > `MYWSV01` > *Test failover*, network *None*; two hours with the clock;
# *Complete test*.
# %% [markdown] lang="ja"
# ## 手順 2: テスト フェールオーバーの料金
#
# ここまでの `compute` は 0 分です。Azure に仮想マシンがないからです。`MYWSV01` のテスト フェールオーバーを始め、2 時間そのままにしてから
# 完了します。
#
# **ポータルで:** [保護された項目] > [OnPremise Cloud] で `MYWSV01` を選び、[テスト フェールオーバー] をクリックして、ネットワークは [なし] にします。
# 時計で 2 時間進め、[テストの完了] をクリックします。
# %%
if course.todo("test-on-the-bill"):
    lab.vault.test_failover("MYWSV01", wait=True)
    lab.run("2h")
    lab.vault.complete_test("MYWSV01", wait=True)
course.check("test-on-the-bill")
# %%
table = views.meter(lab)
table[table.component == "compute"][["day", "item", "vm", "quantity", "unit", "dollars"]]
# %% [markdown] lang="en" rules="1.3-4"
# Two hours and two minutes of a VM of size M with Windows: the minutes count from the start of the VM to its deletion. The same VM
# with Linux would cost two thirds. A size too large, left over from a generous memory setting, would show here (2.8).
#
# ## Step 3: the subscription licence
#
# Pay as you go is the rule. Since August 2014 the Enterprise Agreement offers a **subscription licence**, for one VM protected to
# Azure, paid by the month; nobody has to buy one. It includes 100 GB a month of that VM's storage, transactions and traffic out of
# Azure (and the right to InMage Scout, 1.2); what is beyond is charged as usual. Compute, VPN and virtual networks are
# not in it.
#
# **In the portal:** *Azure* > *Subscription* > *Buy subscription licences*.
# %% [markdown] lang="ja"
# サイズ M、Windows の仮想マシンが 2 時間 2 分です。仮想マシンの開始から削除までの時間を、分単位で数えます。Linux なら 3 分の 2 の料金です。
# メモリの設定が大きすぎて必要以上のサイズになっていると、ここに表れます (2.8)。
#
# ## 手順 3: サブスクリプション ライセンス
#
# 基本は従量課金制です。2014 年 8 月から、Enterprise Agreement で**サブスクリプション ライセンス**が提供されています。Azure に対して保護する
# 仮想マシン 1 台ごとの、月単位のライセンスで、購入は任意です。その仮想マシンのストレージ、ストレージ トランザクション、Azure からのデータ転送を
# 1 か月に合計 100 GB まで利用できます (InMage Scout を使う権利も含まれます。1.2)。超えたぶんは、通常どおり課金されます。コンピューティング、VPN、
# 仮想ネットワークは含まれません。
#
# **ポータルで:** [Azure] > [サブスクリプション] > [サブスクリプション ライセンスの購入] をクリックします。
# %%
if course.todo("one-licence"):
    lab.azure.buy_licences(1)
course.check("one-licence")
# %% [markdown] lang="en"
# The rows of today: `quantity` is what was used, `charged` what is paid for (`traffic.in`, too, has a quantity; its price is 0). One VM has the licence, and is charged nothing for
# protection, storage and transactions; the other one pays as before.
# %% [markdown] lang="ja"
# 今日の明細です。`quantity` は使った量、`charged` は課金される量です (`traffic.in` にも量がありますが、単価が 0 なので料金はかかりません)。ライセンスが割り当てられた仮想マシンは、保護、ストレージ、トランザクションが
# 課金されません。もう 1 台は今までどおりです。
# %%
table = views.meter(lab)
today = table[(table.day == lab.now[:10]) & table.vm.isin(["MYWSV01", "MYBSD01"])]
today[["component", "vm", "quantity", "charged"]].sort_values(["vm", "component"]).round(4).reset_index(drop=True)
# %% [markdown] lang="en"
# Is it worth it? A licence for a whole month costs what a whole month of protection costs in this price list; the 100 GB come on top.
# For two days in October it is a waste, for a VM that stays protected it pays.
#
# ## Something to break
# %% [markdown] lang="ja"
# 得になるでしょうか。この価格表では、ライセンス 1 か月ぶんは保護 1 か月ぶんと同じ価格で、さらに 100 GB が付きます。10 月の 2 日間だけなら無駄で、
# 保護を続ける仮想マシンなら得になります。
#
# ## 壊して直す
# %%
course.trouble("too-many-licences")
# %%
show(lab.azure.bill())
# %% [markdown] lang="en"
# Two days of protection and one licence cost less than before: the $3.48 are both VMs on 1 October, before there was a licence; on
# 2 October each VM has one. But look at the line of the licences.
#
# **Your turn.** Twenty more licences for two VMs. What is bought is paid for this month; see that it is not paid for in the next.
# %% [markdown] lang="ja"
# 保護の料金は減りました。$3.48 は、ライセンスがまだなかった 10 月 1 日の 2 台ぶんです。10 月 2 日は、2 台ともライセンスがあります。
# しかし、ライセンスの行を見てください。
#
# **やってみましょう。** 仮想マシン 2 台に対して、さらに 20 ライセンスを買ってしまいました。今月ぶんの料金はかかりますが、来月はかからないように
# してください。
# %%
# ...
# %%
course.hint("too-many-licences")
# %%
course.solve("too-many-licences")
# %% [markdown] lang="en"
# ## Another experiment: the end of the month
#
# Today the protection of both VMs is removed, and the month goes to its end. What will the October bill say of protection? Two VMs on two
# days, and the day of the removal counts. (The host is shut down, because nobody needs its VMs until November.)
# %% [markdown] lang="ja"
# ## もう 1 つの実験: 月末
#
# 今日、2 台とも保護を無効にして、月末まで進めます。10 月の明細で、保護はいくつになるでしょうか。2 台が 2 日間で、無効にした日も数えます
# (11 月まで誰も使わないので、ホストはシャットダウンしておきます)。
# %%
for vm in list(lab.vault.items):
    lab.vault.disable_protection(vm, wait=True)
if lab.site.server("HV01").running:
    lab.site.stop_server("HV01")
if lab.now < "2014-11":
    lab.run(until="2014-11-01T09:00:00+09:00")
october, november = (lab.azure.bill(month).components for month in ("2014-10", "2014-11"))
for name in ("protection.azure", "storage", "licences"):
    print(f"{name:17} {october[name].quantity:>24}   {november[name].quantity}")
# %% [markdown] lang="en"
# Thirty days later the protection on the bill is what it was on 2 October, and in November there is nothing left: no VM, no storage, no
# licence.
#
# ## What to keep in mind
#
# - Protection is charged for each VM by the average of the month; a VM counts for a day on which it was protected at any moment.
# - Beside it: storage, transactions, traffic out, VPN gateway, and compute while a VM is in Azure, tests included. Traffic in is free.
# - A licence goes with one VM, is paid by the month, and includes 100 GB. Nobody has to have one.
# - A test that is not completed costs by the minute.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# 30 日たっても、保護の数は 10 月 2 日のままです。11 月は、仮想マシンもストレージもライセンスも、何も残っていません。
#
# ## まとめ
#
# - 保護の料金は、仮想マシンごとに、1 か月の平均で決まります。少しでも保護されていた日は、1 日と数えます。
# - ほかに、ストレージ、ストレージ トランザクション、Azure からのデータ転送、VPN ゲートウェイ、Azure に仮想マシンがある間 (テストを含む) の
#   コンピューティングがかかります。Azure へのデータ転送は無料です。
# - サブスクリプション ライセンスは仮想マシン 1 台ごとに月単位で、100 GB を含みます。購入は任意です。
# - 完了していないテストには、分単位で料金がかかります。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
