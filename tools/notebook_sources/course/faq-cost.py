# %% [markdown] lang="en"
# # Questions on charges
#
# *In the guide: サービスの課金に関する FAQ. About 8 minutes.*
#
# Five questions that come with the first invoice:
#
# 1. Is the running of VMs that were failed over included in the price of Site Recovery?
# 2. I stopped protecting in the middle of the month. Do I pay for all of it?
# 3. Why has the bill grown so fast?
# 4. Must I buy the subscription licence?
# 5. I use the free trial. Will my card be charged when it is used up?
#
# You answer each by looking at the meter of your lab.
# %% [markdown] lang="ja"
# # サービスの課金に関する FAQ
#
# *自習書: 「サービスの課金に関する FAQ」。所要時間は約 8 分です。*
#
# 最初の料金明細が届くと、5 つの質問が出てきます。
#
# 1. フェールオーバーした仮想マシンの実行は、Site Recovery の料金に含まれますか。
# 2. 月の途中で保護を停止しました。1 か月分を払うのですか。
# 3. 料金が急に増えたのはなぜですか。
# 4. サブスクリプション ライセンスは、必ず買わなければなりませんか。
# 5. 無料評価版を使っています。使い切ったら、クレジット カードに請求されますか。
#
# どの質問にも、ラボのメーターを見て答えます。
# %% [markdown] lang="en"
# ## Where you begin
#
# Somebody else has set everything up, on pay-as-you-go: `MYWSV01` and `MYBSD01` are protected since this morning.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# ほかの人が、従量課金制ですべてを用意してくれました。`MYWSV01` と `MYBSD01` が、今朝から保護されています。
# %%
import tempfile

import labkit
from labkit import course, portal, views

lab = course.start("faq-cost")
# %% [markdown] lang="en" rules="1.3-3, F-6"
# ## 1. What is charged
#
#     protection    per protected VM                        "protection.azure"
#     beside it     storage, transactions on it,            "storage", "storage.transactions"
#                   traffic out of Azure (in is free),      "traffic.out", "traffic.in"
#                   hours of the VPN gateway                "vpn.gateway"
#                   minutes of VMs in Azure, by size        "compute"
#
# So the answer is no: protection pays for protection. Everything else is metered at the ordinary rates, but a VM in Azure only while there is
# one. The bill so far (a dash: no price was found; `lab.azure.prices()` says of each price where it comes from and of which year it is):
# %% [markdown] lang="ja"
# ## 1. 何に課金されるか
#
#     保護          保護された仮想マシンごと                  "protection.azure"
#     そのほか      ストレージ、ストレージ トランザクション   "storage"、"storage.transactions"
#                   Azure からの送信 (受信は無料)             "traffic.out"、"traffic.in"
#                   VPN ゲートウェイの時間                    "vpn.gateway"
#                   Azure の仮想マシンの分数 (サイズ別)       "compute"
#
# 答えは「いいえ」です。Site Recovery の料金は保護に対するもので、ほかはすべて、通常のレートで使用量に応じて課金されます。ただし、Azure の仮想マシンの料金がかかるのは、
# 仮想マシンがある間だけです。現在までの料金明細を見てみましょう (ハイフンは、価格がわからないという意味です。価格の出典と年は `lab.azure.prices()` でわかります)。
# %%
def show_bill(bill):
    for name, one in bill.components.items():
        print(f"{name:21} {one.quantity:26} {'-' if one.dollars is None else f'{one.dollars:7.2f} USD'}")


show_bill(lab.azure.bill())
# %% [markdown] lang="en" rules="1.3-1, F-6"
# ## 2. Stopping in the middle of the month
#
# Charged is the month's average of the number of VMs that are protected each day. The guide's example: 20 VMs for half a month, then
# none, are billed as 10. Try it small: let the night pass, then stop protecting `MYBSD01`.
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): let 16 hours pass with the clock; choose `MYBSD01`, *Disable protection for the virtual machine*.
# %% [markdown] lang="ja"
# ## 2. 月の途中で停止すると
#
# 1 日あたりの保護台数の、1 か月の平均で課金されます。自習書の例では、月の前半に 20 台、後半に 0 台なら、10 台分です。小さな規模で試しましょう。一晩進めてから、
# `MYBSD01` の保護を無効化します。
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、時計を 16 時間進めます。`MYBSD01` を選び、[仮想マシンの保護の無効化] をクリックします。
# %%
if course.todo("stop-mid-month"):
    lab.run("16h")
    lab.vault.disable_protection("MYBSD01", wait=True)
course.check("stop-mid-month")
# %%
meter = views.meter(lab)
meter[meter.component == "protection.azure"][["day", "vm", "quantity", "dollars"]]
# %% [markdown] lang="en"
# One line for each VM and day on which it was protected at any moment. `quantity` is a share of a month: October has 31 days. For how
# many days is `MYBSD01` charged?
# %% [markdown] lang="ja"
# 1 日の間に少しでも保護されていれば、その日の行ができます。`quantity` は 1 か月に対する割合です (10 月は 31 日)。`MYBSD01` は何日分課金されるでしょうか。
# %%
# course.answer("days-charged", ...)
# %%
course.solve("days-charged")
# %%
days = int((meter.component == "protection.azure").sum())
bill = lab.azure.bill().components["protection.azure"]
print(f"{days} / 31 = {days / 31:.4f}   x 54 USD = {days / 31 * 54:.2f} USD   ({bill.dollars:.2f} USD)")
# %% [markdown] lang="en" rules="1.3-3"
# ## 3. The bill has grown fast
#
# Run the cell: 16 hours pass. Then look at the days.
# %% [markdown] lang="ja"
# ## 3. 料金が急に増えた
#
# セルを実行すると、16 時間が過ぎます。そのあと、1 日ごとの料金を見てください。
# %%
course.trouble("forgotten-test")
# %%
views.costs_by_day(lab)[["compute", "protection.azure", "total"]].round(2)
# %% [markdown] lang="en"
# The same as a chart (in the portal: *Azure* > *Bill*):
# %% [markdown] lang="ja"
# グラフでも見られます (ポータルでは [Azure] > [料金明細])。
# %%
portal.cost_chart(lab)
# %% [markdown] lang="en"
# **Your turn.** Which component has grown? What stands behind it? End it.
# %% [markdown] lang="ja"
# **やってみましょう。** 増えたのはどの項目でしょうか。その原因は何でしょうか。終わらせてください。
# %%
# ...
# %%
course.check("forgotten-test")
# %%
course.hint("forgotten-test")
# %%
course.solve("forgotten-test")
# %% [markdown] lang="en" rules="1.3-4"
# ## 4. The subscription licence
#
# No, it is not compulsory. Bought per protected VM, it takes the place of that VM's protection charge and includes 100 GB a month for
# it: storage, transactions and traffic out. What exceeds that, and compute, VPN and network, are charged as ever. It is bought by the month.
#
# **In the portal:** *Azure* > *Subscription* > *Buy subscription licences*.
# %% [markdown] lang="ja"
# ## 4. サブスクリプション ライセンス
#
# 購入は必須ではありません。保護された仮想マシンごとに購入すると、その仮想マシンの保護の料金の代わりになり、1 か月あたり 100 GB までのストレージ、トランザクション、送信が含まれます。
# それを超える分と、仮想マシンの実行、VPN、仮想ネットワークは、通常どおり課金されます。ライセンスは 1 か月単位です。
#
# **ポータルで:** [Azure] > [サブスクリプション] > [サブスクリプション ライセンスの購入] です。
# %%
before = lab.azure.bill()
if course.todo("buy-licences"):
    lab.azure.buy_licences(len(lab.vault.items))
course.check("buy-licences")
# %%
after = lab.azure.bill()
for name in ("protection.azure", "licences", "storage.transactions"):
    print(f"{name:21} {before.components[name].dollars:8.5f} -> {after.components[name].dollars:8.5f} USD")
# %% [markdown] lang="en"
# The licence is charged for the whole month, on whatever day it is bought, and covers its VM from today (what was used before today stays charged): worth it for a VM that
# stays, not for one that goes. How many GB does it include for its VM?
# %% [markdown] lang="ja"
# 月の何日に買っても、ライセンスの料金は 1 か月分です。保護などの料金がかからなくなるのは買った日からで、それより前の使用分はそのまま課金されます。長く保護する仮想マシンには得ですが、すぐにやめる仮想マシンには向きません。1 台あたり何 GB が含まれますか。
# %%
# course.answer("licence-includes", ...)
# %%
course.solve("licence-includes")
# %% [markdown] lang="en" rules="2.2-2"
# ## 5. The trial
#
# No, the card is never charged. A trial lasts a month, with a credit of 20,500 yen (September 2014) and a spending limit. What happens when it
# is used up? In a lab of its own, with the largest VM there is:
# %% [markdown] lang="ja"
# ## 5. 無料評価版
#
# いいえ、カードに請求されることはありません。無料評価版は 1 か月で、20,500 円のクレジット (2014 年 9 月時点) と使用制限があります。使い切るとどうなるのでしょうか。
# 別のラボで、いちばん大きい仮想マシンを動かしてみます。
# %%
with tempfile.TemporaryDirectory() as folder, labkit.create(f"{folder}/trial.lab") as trial:
    azure = trial.azure
    azure.sign_up("you@example.com", "090-0000-0000", "0000-0000-0000-0000", "trial")
    azure.quick_network("TrialNetwork", "Japan East")
    azure.create_storage("trialstore", "Japan East")
    azure.create_machine("BIG", network="TrialNetwork", size="A7", role=None)
    for day in range(1, 7):
        trial.run("1d")
        print(day, azure.subscription.state, azure.subscription.credit_left, azure.machines["BIG"].state)
    try:
        azure.create_storage("another", "Japan East")
    except labkit.LabError as refused:
        print(refused.message)
    azure.upgrade()
    trial.run("1h")
    print(azure.subscription.plan, azure.subscription.state, azure.machines["BIG"].state)
# %% [markdown] lang="en"
# The services go off, and nothing is lost: an upgrade to pay-as-you-go brings all of it back. But mind what you have read in 2.2: as long as it
# is suspended, nothing is replicated.
# %% [markdown] lang="ja"
# サービスは止まりますが、何も失われません。従量課金制プランにアップグレードすると、すべて元に戻ります。ただし、中断されている間は、レプリケーションも行われません。
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Protection is charged per VM, by days; storage, traffic out, VPN and VMs in Azure come beside it.
# - A VM that ran on some days counts for these days.
# - An open test failover costs by the minute: complete it.
# - The licence is a matter of arithmetic, not of duty. It includes 100 GB, not the VMs that run in Azure.
# - A trial never charges the card; when it is used up, it stops.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 保護は、仮想マシンごとに日数で課金されます。ストレージ、送信、VPN、Azure の仮想マシンは別に課金されます。
# - 途中で保護を停止した仮想マシンは、保護した日の分だけ課金されます。
# - 完了していないテスト フェールオーバーには、1 分単位で料金がかかります。必ず完了しましょう。
# - ライセンスの購入は義務ではなく、損得の問題です。100 GB が含まれますが、Azure で動く仮想マシンの料金は含まれません。
# - 無料評価版では、カードに請求されません。使い切ると、サービスが止まります。
# %%
course.progress()
