# %% [markdown] lang="en"
# # 4.4 The services deleted
#
# *In the guide: STEP 4, 4.4 クラウド サービスの削除. About 8 minutes.*
#
# The last step of taking down, and the one that ends the bills. You will
#
# - see what still costs, day by day;
# - delete vault, network and storage account, and be held up by two things nobody thought of;
# - find one thing more that somebody else has left.
# %% [markdown] lang="ja"
# # 4.4 クラウド サービスの削除
#
# *自習書: STEP 4「4.4 クラウド サービスの削除」。所要時間は約 8 分です。*
#
# 片付けの最後の手順です。ここで料金も止まります。このノートブックでは、次のことをします。
#
# - まだ料金がかかっているものを、1 日ごとの金額で見る。
# - 資格情報コンテナー、ネットワーク、ストレージ アカウントを削除する。途中で、忘れていた 2 つのものに止められる。
# - ほかの誰かが残したものを、もう 1 つ見つける。
# %% [markdown] lang="en"
# ## Where you begin
#
# The server is unregistered, provider and agent are gone (4.3). At the site everything is as before Site Recovery. In Azure:
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# サーバーの登録は解除され、プロバイダーもエージェントもありません (4.3)。サイトは、Site Recovery を導入する前の状態に戻りました。Azure には、次のものが残っています。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("delete-services")
views.leftovers(lab)[["kind", "name", "dollars_per_day", "yen_per_day"]]
# %% [markdown] lang="en" rules="4.4-1"
# ## What may go, and what may stay
#
# | | costs | may stay |
# |---|---|---|
# | vault | nothing: it holds metadata only | nothing to keep it for; must be empty to be deleted |
# | storage account | what is stored in it, so an empty one nothing | yes, for other use |
# | replica disks left in it | by the GB, month after month | no |
# | virtual network | its VPN gateway, by the hour | yes, for other use |
# | VM `DC02` | by the minute while it runs | as long as somebody needs it |
#
# Nothing tells you of it. An invoice does, weeks later.
# %% [markdown] lang="ja"
# ## 削除するもの、残してよいもの
#
# | | 料金 | 残してよいか |
# |---|---|---|
# | 資格情報コンテナー | なし (メタデータだけを持つ) | 残す理由がない。削除するには空にする |
# | ストレージ アカウント | 保存されている量による。空ならなし | ほかの用途に使うなら残してよい |
# | 残されたレプリカのディスク | GB 単位で毎月かかる | 残さない |
# | 仮想ネットワーク | VPN ゲートウェイに 1 時間単位でかかる | ほかの用途に使うなら残してよい |
# | 仮想マシン `DC02` | 動いている間、1 分単位でかかる | 誰かが使っているなら残してよい |
#
# 消し忘れても、誰も教えてくれません。数週間後の料金明細で気づくことになります。
# %% [markdown] lang="en"
# ## Step 1: the vault
#
# **In the portal** (`portal.open(lab, "azure", "vaults")` in a cell of your own): *Recovery Services*, choose the vault, *Delete vault*. No server is in it any more, so nothing speaks against
# it.
# %% [markdown] lang="ja"
# ## 手順 1: 資格情報コンテナー
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "azure", "vaults")` を実行し、[復旧サービス] でコンテナーを選び、[コンテナーの削除] をクリックします。登録されたサーバーはもうないので、削除できます。
# %%
if course.todo("delete-vault"):
    lab.vault.delete("MySiteRecovery", wait=True)
course.check("delete-vault")
# %% [markdown] lang="en"
# ## Step 2: the network
#
# **In the portal:** *Azure* > *Networks*, choose `AzureNetwork`, *Delete*. In code:
# %% [markdown] lang="ja"
# ## 手順 2: ネットワーク
#
# **ポータルで:** [Azure] > [ネットワーク] で `AzureNetwork` を選び、[削除] をクリックします。コードでは次のとおりです。
# %%
try:
    if course.todo("delete-network"):
        lab.azure.delete_network("AzureNetwork")
except labkit.LabError as refused:
    print(refused.message)
# %% [markdown] lang="en"
# The second domain controller of 3.1 stands on it, always on, and nobody has thought of it in a notebook since. **Your turn.** First the VM,
# then the network.
# %% [markdown] lang="ja"
# 3.1 で作った 2 台目のドメイン コントローラーが、このネットワークで動き続けています。そのあと、誰も思い出しませんでした。**やってみましょう。** まず仮想マシン、
# 次にネットワークを削除してください。
# %%
# ...
# %%
course.hint("delete-network")
# %%
course.solve("delete-network")
# %% [markdown] lang="en" rules="4.4-1"
# ## Step 3: the storage account
#
# **In the portal:** *Azure* > *Storage accounts*, choose `mysiterecovery`, *Delete*. In code:
# %% [markdown] lang="ja"
# ## 手順 3: ストレージ アカウント
#
# **ポータルで:** [Azure] > [ストレージ アカウント] で `mysiterecovery` を選び、[削除] をクリックします。コードでは次のとおりです。
# %%
try:
    if course.todo("delete-storage"):
        lab.azure.delete_storage("mysiterecovery")
except labkit.LabError as refused:
    print(refused.message)
# %% [markdown] lang="en"
# Here they are again: the replica disks of `MYBSD01`, which the vault only ceased to manage (4.1). No VM needs them. Let a day pass, and
# see what the meter says of storage (in GB-months; a day of a GB is 1/31 of one):
# %% [markdown] lang="ja"
# また出てきました。4.1 で [仮想マシンの管理を停止します] を選んだ `MYBSD01` の、レプリカのディスクです。使う仮想マシンはもうありません。1 日進めて、
# ストレージの使用量を見てみましょう (単位は GB・月で、1 GB を 1 日保存すると 1/31 です)。
# %%
print(lab.azure.total().components["storage"].quantity)
lab.run("1d")
print(lab.azure.total().components["storage"].quantity)
# %% [markdown] lang="en"
# It has gone up although nothing is protected, and would do so for ever.
#
# **Your turn.** Delete the disks (*Delete replica disks that were left*), then the account. Or keep the account for other use: only the step
# here wants it gone.
# %% [markdown] lang="ja"
# 何も保護していないのに増えました。このままでは、いつまでも増え続けます。
#
# **やってみましょう。** ディスクを削除し ([残されたレプリカのディスクの削除])、そのあとアカウントを削除してください。アカウントはほかの用途に残してもかまいませんが、
# この手順では削除します。
# %%
# ...
# %%
course.hint("delete-storage")
# %%
course.solve("delete-storage")
# %% [markdown] lang="en"
# ## Something to break
#
# Nothing is left. Or so it was, until a colleague tried something out. Find it.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# もう何も残っていません。ところが、同僚が何かを試したようです。見つけてください。
# %%
course.trouble("nothing-left")
# %%
course.check("nothing-left")
# %%
# ...
# %%
course.hint("nothing-left")
# %%
course.solve("nothing-left")
# %%
len(views.leftovers(lab))
# %% [markdown] lang="en"
# ## The whole bill
#
# What has the whole course cost, from the first server to now? The prices are those of the price list `usd`;
# `lab.azure.prices()` says of each where it comes from and of which year it is. A dash: no price was found.
# %% [markdown] lang="ja"
# ## すべての料金
#
# 最初のサーバーから今まで、全部でいくらかかったでしょうか。価格表 `usd` での計算です。それぞれの価格の出典と年は `lab.azure.prices()` でわかります。
# ハイフンは、価格がわからないという意味です。
# %%
bill = lab.azure.total()
for name, one in bill.components.items():
    print(f"{name:21} {one.quantity:40} {'-' if one.dollars is None else f'{one.dollars:7.2f} USD'}")
print(f"{'':21} {'':40} {bill.dollars:7.2f} USD = {bill.yen:,.0f} JPY")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - Vault, storage account and network are deleted each on its own page; storage and network may stay for other use.
# - What was only taken out of the vault has left disks, and they cost until somebody deletes them.
# - A VM keeps its network and its storage account from being deleted.
# - At the end look at *What is left*: an empty list is the only proof.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 資格情報コンテナー、ストレージ アカウント、ネットワークは、それぞれのページで削除します。ストレージとネットワークは、ほかの用途に残してもかまいません。
# - 管理を停止しただけの仮想マシンは、ディスクを残します。削除するまで料金がかかります。
# - 仮想マシンがあると、そのネットワークとストレージ アカウントは削除できません。
# - 最後に [残っているもの] を見てください。一覧が空であることが、唯一の証拠です。
# %%
course.progress()
