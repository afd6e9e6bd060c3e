# %% [markdown] lang="en"
# # 4.2 Protection of the cloud off
#
# *In the guide: STEP 4, 4.2 クラウドの保護の解除. About 5 minutes.*
#
# The second step of taking down. You will
#
# - look at what the configuration of a cloud has left on vault, VMM and hosts;
# - be refused, find the VM that is the reason, and release the cloud.
# %% [markdown] lang="ja"
# # 4.2 クラウドの保護の解除
#
# *自習書: STEP 4「4.2 クラウドの保護の解除」。所要時間は約 5 分です。*
#
# 片付けの 2 つ目の手順です。このノートブックでは、次のことをします。
#
# - クラウドの保護の構成が、まだ残っていることを確かめる。
# - 拒否される理由になっている仮想マシンを見つけて、クラウドの保護を解除する。
# %% [markdown] lang="en"
# ## Where you begin
#
# No VM is protected any more (4.1). The cloud `OnPremise Cloud` is still configured.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 保護された仮想マシンは、もうありません (4.1)。クラウド `OnPremise Cloud` の保護は、まだ構成されたままです。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("release-cloud")
# %%
for name, value in lab.vault.settings("OnPremise Cloud").items():
    print(f"{name:15} {value}")
# %% [markdown] lang="en"
# ## What releasing means
#
#     configured  --- Remove protection, Yes --->  not configured
#        |                                            |
#        VMs can be protected                         target, storage account, encryption can be chosen anew
#
# So it is not only a step on the way down: whoever wants another storage account, or encryption, or site to site in the place of site to
# Azure, releases the cloud and configures it anew (FAQ).
# %% [markdown] lang="ja"
# ## 解除の意味
#
#     構成済み  --- [保護の解除]、[はい] --->  未構成
#        |                                      |
#        仮想マシンを保護できる                 ターゲット、ストレージ アカウント、暗号化を選び直せる
#
# 片付けのためだけの操作ではありません。ストレージ アカウントや暗号化を変えたいとき、オンプレミス間の回復から Azure への回復に切り替えたいときも、
# クラウドの保護を解除して、構成し直します (FAQ)。
# %% [markdown] lang="en"
# ## Something to break
#
# While you had your coffee, somebody has been at work in the portal. Run the cell, then try to release the cloud.
# %% [markdown] lang="ja"
# ## 壊して直す
#
# コーヒーを飲んでいる間に、誰かがポータルを操作しました。セルを実行してから、クラウドの保護を解除してみてください。
# %%
course.trouble("release-cloud-done")
# %% [markdown] lang="en" rules="4.1-1, 4.2-1"
# **In the portal** (`portal.open(lab, "items")` in a cell of your own): choose the cloud, *Remove protection (of a cloud)* in the bar. (The guide's portal asks once more,
# and you answer *Yes*.) It is refused as long as a VM in the cloud is protected:
# %% [markdown] lang="ja"
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items")` を実行し、[保護された項目] でクラウドを選んで、バーの [保護の解除] をクリックします (自習書の画面では、確認メッセージに [はい] と答えます)。
# クラウドの中に保護された仮想マシンがある間は、拒否されます。
# %%
try:
    lab.vault.release_cloud("OnPremise Cloud")
except labkit.LabError as refused:
    print(refused)
# %%
course.check("release-cloud-done")
# %%
views.items(lab)
# %% [markdown] lang="en"
# ## Step: release it
#
# **Your turn.** First the VM, then the cloud.
# %% [markdown] lang="ja"
# ## 手順: 解除する
#
# **やってみましょう。** まず仮想マシン、次にクラウドです。
# %%
# ...
# %%
course.hint("release-cloud-done")
# %%
course.solve("release-cloud-done")
# %%
for row in lab.vault.clouds:
    print(row.name, "|", row.role or "-", "|", row.state or "-", "|", row.server)
print(lab.vault.settings("OnPremise Cloud"))
# %% [markdown] lang="en"
# The cloud stands in the list still, since its server is registered; it has no role and no settings any more. And what is left?
# %% [markdown] lang="ja"
# サーバーがまだ登録されているので、クラウドは一覧に残っていますが、ロールも設定もなくなりました。あとは何が残っているでしょうか。
# %%
views.leftovers(lab)[["kind", "name"]]
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - A cloud is released only when no VM in it is protected.
# - Released, it can be configured anew, with another target, storage account or encryption.
# %% [markdown] lang="ja"
# ## まとめ
#
# - クラウドの保護は、その中に保護された仮想マシンがないときだけ解除できます。
# - 解除すると、別のターゲット、ストレージ アカウント、暗号化の設定で構成し直せます。
# %%
course.progress()
