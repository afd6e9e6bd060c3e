# %% [markdown] lang="en"
# # 2.2 An Azure subscription
#
# *In the guide: STEP 2, 2.2 Microsoft Azure サブスクリプションの準備. About 5 minutes.*
#
# Without a subscription Azure does nothing for anybody. You will
#
# - sign up for the free trial, in its order, with things that are all invented;
# - read what the trial gives, and what it never takes;
# - let its month go by, see what is then switched off, and get everything back.
#
# Whoever has an account and a subscription skips this section in the guide. In the lab you make one: it costs nothing.
# %% [markdown] lang="ja"
# # 2.2 Microsoft Azure サブスクリプションの準備
#
# *自習書: STEP 2「2.2 Microsoft Azure サブスクリプションの準備」。所要時間は約 5 分です。*
#
# サブスクリプションがなければ、Azure では何もできません。このノートブックでは、次のことをします。
#
# - 無料評価版に、決められた順序でサインアップする。入力するものは、すべて架空のものです。
# - 無料評価版で使える枠と、決して請求されないものを確かめる。
# - 1 か月が過ぎると何が止まるかを見て、すべてを元に戻す。
#
# 自習書では、アカウントとサブスクリプションを持っている人は、この節をスキップします。ラボの中では作ってください。費用はかかりません。
# %% [markdown] lang="en"
# ## Where you begin
#
# The site of 2.1, and no subscription.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 2.1 のサイトで、サブスクリプションはまだありません。
# %%
import labkit
from labkit import course, portal

lab = course.start("subscription")
# %% [markdown] lang="en" rules="2.2-1"
# ## Step 1: sign up
#
#     Microsoft account -> phone: confirmation code -> credit card: identity -> subscription -> first sign-in
#
# The order is fixed. The phone gets a code by voice or SMS, the card shows who you are; that the first sign-in to the management portal
# works is the proof that everything does. What if you begin at the end?
# %% [markdown] lang="ja"
# ## 手順 1: サインアップする
#
#     Microsoft アカウント -> 電話: 確認コード -> クレジット カード: 身元確認 -> サブスクリプション -> 最初のサインイン
#
# 順序は決まっています。確認コードは電話の音声または SMS で届き、クレジット カードは身元の確認に使われます。最後に、Microsoft Azure 管理ポータルに
# サインインできれば完了です。いきなり最後から始めると、どうなるでしょうか。
# %%
try:
    lab.azure.subscribe("trial")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# **Never type real data into a lab.** It takes no card number that could be one: sixteen digits that begin with 0000 are what it wants.
#
# **In the portal** (`portal.open(lab, "azure")` in a cell of your own): *Subscription*, *Create a Microsoft account*, *Confirm the phone*, *Give the credit
# card*, *Subscribe*, *Sign in to the management portal*. (*Sign up* does all of them at once.)
# %% [markdown] lang="ja"
# **ラボに本物の情報を入力しないでください。** 本物かもしれないカード番号は受け付けません。0000 で始まる 16 桁の番号を使います。
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "azure")` を実行し、[サブスクリプション] で [Microsoft アカウントの作成]、[電話による確認]、
# [クレジット カードによる身元確認]、[サブスクリプションの申し込み]、[管理ポータルへのサインイン] の順にクリックします ([サインアップ] なら一度に
# 済みます)。
# %%
if course.todo("sign-up") and lab.azure.subscription is None:
    lab.azure.create_account("admin@contoso.com")
    lab.azure.confirm_phone("090-0000-0000")
    lab.azure.give_card("0000-0000-0000-0000")
    lab.azure.subscribe("trial")
if course.todo("sign-up"):
    lab.azure.sign_in()
course.check("sign-up")
# %% [markdown] lang="en" rules="2.2-2"
# ## What the trial gives
# %% [markdown] lang="ja"
# ## 無料評価版で使えるもの
# %%
lab.azure.subscription
# %% [markdown] lang="en"
# One month, and a credit in yen (of September 2014; it may change). A **spending limit** keeps the trial from ever charging the card: when
# the credit is used up, or the month is over, the subscription is *suspended*, and its services are off.
#
# **How many yen are left now?** Nothing has been used yet.
#
# `course.solve` answers, or does a step, for you if you have not: leave such cells out while you try yourself.
# %% [markdown] lang="ja"
# 期間は 1 か月で、円で決まったクレジット (利用枠) があります (2014 年 9 月の金額で、変わることがあります)。**使用制限**があるので、カードに請求されることはありません。
# クレジットを使い切るか、1 か月が過ぎると、サブスクリプションは*停止 (Suspended)* し、サービスが止まります。
#
# **今、クレジットは何円残っていますか。** まだ何も使っていません。
#
# `course.solve` は、まだ済んでいなければ、代わりに答えたり手順を実行したりします。自分で試している間は、このセルを飛ばしてください。
# %%
# course.answer("trial-credit", ...)
course.hint("trial-credit")
# %%
course.solve("trial-credit")
# %% [markdown] lang="en"
# Try it, while it lasts: a storage account, which you delete again at the end of this notebook.
# %% [markdown] lang="ja"
# 使えるうちに試してみます。ストレージ アカウントを 1 つ作ります (このノートブックの終わりに削除します)。
# %%
if lab.azure.subscription.plan == "trial" and not lab.azure.storage:
    lab.azure.create_storage("trystorage", "East Asia", "GRS")
lab.azure.storage
# %% [markdown] lang="en"
# ## Something to mend: the month is over
#
# The company closes for a month, and everybody forgets about the trial.
# %% [markdown] lang="ja"
# ## 壊れたものを直す: 1 か月が過ぎた
#
# 会社が 1 か月休業し、その間、誰も無料評価版のことを思い出しませんでした。
# %%
course.trouble("upgrade")
# %%
print(lab.now, lab.azure.subscription.state)
try:
    lab.azure.create_storage("another", "East Asia", "GRS")
except labkit.LabError as refused:
    print(refused)
# %%
course.check("upgrade")
# %% [markdown] lang="en"
# **Your turn.** Go on with **pay-as-you-go**. In the portal it is *Azure* > *Subscription* > *Upgrade to pay-as-you-go*. (A trial that still
# runs can be upgraded as well.)
# %% [markdown] lang="ja"
# **やってみましょう。** **従量課金制**で継続してください。ポータルでは [Azure] > [サブスクリプション] > [従量課金制への移行] です (期間中の無料評価版も
# 移行できます)。
# %%
# ...
# %%
course.hint("upgrade")
# %%
course.solve("upgrade")
# %% [markdown] lang="en" rules="2.2-3"
# And what had been made before? It is all there, as it was configured:
# %% [markdown] lang="ja"
# 前に作ったものは、どうなったでしょうか。構成はそのまま残っています。
# %%
print(lab.azure.subscription)
print(lab.azure.storage_accounts)
# %%
for name in lab.azure.storage:
    if name in ("trystorage", "another"):
        lab.azure.delete_storage(name)
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Account, phone, card, subscription, sign-in, in this order.
# - The trial: a month, a credit, and a spending limit; nothing is ever charged to the card.
# - Suspended is not lost: an upgrade to pay-as-you-go brings services back with their configuration. But what is suspended protects nobody.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - アカウント、電話、カード、サブスクリプション、サインインの順です。
# - 無料評価版には、1 か月の期間、クレジット、使用制限があります。カードに請求されることはありません。
# - 停止しても失われるわけではなく、従量課金制に移行すれば、構成を維持したままサービスが戻ります。ただし、停止している間は何も保護されません。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
