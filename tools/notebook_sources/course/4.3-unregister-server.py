# %% [markdown] lang="en"
# # 4.3 The server unregistered
#
# *In the guide: STEP 4, 4.3 サーバーの登録解除. About 5 minutes.*
#
# The third step of taking down. You will
#
# - take the VMM server out of the vault although it does not answer;
# - find what that leaves behind, and run the clean-up script;
# - uninstall the provider and the agent.
# %% [markdown] lang="ja"
# # 4.3 サーバーの登録解除
#
# *自習書: STEP 4「4.3 サーバーの登録解除」。所要時間は約 5 分です。*
#
# 片付けの 3 つ目の手順です。このノートブックでは、次のことをします。
#
# - 応答しない VMM 管理サーバーを、資格情報コンテナーから削除する。
# - サーバーに何が残るかを調べ、クリーンアップ スクリプトを実行する。
# - プロバイダーとエージェントをアンインストールする。
# %% [markdown] lang="en"
# ## Where you begin
#
# The cloud is released (4.2). `SC01` is still registered in the vault, and provider and agent are installed.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# クラウドの保護は解除されています (4.2)。`SC01` はまだ資格情報コンテナーに登録されていて、プロバイダーとエージェントもインストールされたままです。
# %%
import labkit
from labkit import course, portal, views

lab = course.start("unregister-server")
# %%
def servers():
    for row in lab.vault.servers:
        print(row.name, "|", row.vault, "|", "connected" if row.connected else "not connected", "|", row.version)
    for name in ("SC01", "HV01"):
        print(name, [one for one in lab.site.server(name).software if one.startswith("Azure")])


servers()
# %% [markdown] lang="en"
# ## Two ways out
#
#     server answers        vault: entry removed     server: settings removed   > uninstall
#     server does not       vault: entry removed     server: settings stay      > clean-up script > uninstall
#
# It is the same picture as with *Stop managing* in 4.1: the vault can always forget its side, and what the other side keeps is in the way
# later.
# %% [markdown] lang="ja"
# ## 2 つの場合
#
#     サーバーが応答する      コンテナー: 登録を削除     サーバー: 設定も削除   > アンインストール
#     サーバーが応答しない    コンテナー: 登録を削除     サーバー: 設定が残る   > クリーンアップ スクリプト > アンインストール
#
# 4.1 の [仮想マシンの管理を停止します] と同じです。コンテナーの側はいつでも消せますが、もう一方に残ったものが、あとで邪魔になります。
# %% [markdown] lang="en" rules="4.3-1"
# ## Step 1: out of the vault
#
# This is the harder case: somebody has switched `SC01` off. The cell does it.
#
# **In the portal** (`portal.open(lab, "resources", "servers")` in a cell of your own): choose the server, *Remove*. The dialog (in the guide *Confirm Removal*) wants a *Reason* out of a list:
# %% [markdown] lang="ja"
# ## 手順 1: コンテナーから削除する
#
# 難しいほうの場合を試します。誰かが `SC01` の電源を切ってしまいました。セルを実行すると、その状態になります。
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "resources", "servers")` を実行し、サーバーを選んで、[削除] をクリックします。ダイアログ (自習書の画面では [削除の確認]) で、[理由] を一覧から選びます。
# %%
course.trouble("unregister")
# %%
for reason in lab.vault.unregister_reasons:
    print(f"{reason.name:16} {reason.title}")
# %%
if course.todo("unregister"):
    lab.vault.unregister_server("SC01", reason="no-longer-needed", wait=True)
course.check("unregister")
# %% [markdown] lang="en"
# In the vault all is as it should be. On the server?
# %% [markdown] lang="ja"
# コンテナーの側は、これで終わりです。サーバーの側はどうでしょうか。
# %%
left = views.leftovers(lab)
print(left[left.name == "SC01"].to_string(index=False, header=False))
servers()
# %% [markdown] lang="en" rules="4.3-1"
# ## Something to mend
#
# Switch the server on again, and try two things that you might want to do with it: register it anew, or uninstall the provider.
# %% [markdown] lang="ja"
# ## 直してみる
#
# サーバーの電源を入れ直し、やりたくなりそうなことを 2 つ試してみましょう。もう一度登録することと、プロバイダーのアンインストールです。
# %%
if not lab.site.server("SC01").running:
    lab.site.start_server("SC01")
    lab.run("5min")
for call in (lab.vault.register_server, lab.site.uninstall_provider):
    if course.todo("uninstall"):
        try:
            call("SC01")
        except labkit.LabError as refused:
            print(refused.message, refused.action)
# %% [markdown] lang="en"
# ## Step 2: clean up, and uninstall
#
# **Your turn.** In the guide it is the download "Cleanup Script for Windows Azure Hyper-V Recovery Manager customers". **In the portal:**
# *Site* > *Servers*, choose `SC01`: *Run the clean-up script*, then *Uninstall the provider*; choose `HV01`: *Uninstall the agent*.
# %% [markdown] lang="ja"
# ## 手順 2: 片付けて、アンインストールする
#
# **やってみましょう。** 自習書では「Cleanup Script for Windows Azure Hyper-V Recovery Manager customers」というスクリプトをダウンロードして使います。
# **ポータルで:** [サイト] > [サーバー] で `SC01` を選び、[クリーンアップ スクリプトの実行]、[プロバイダーのアンインストール] の順にクリックします。
# 次に `HV01` を選び、[エージェントのアンインストール] をクリックします。
# %%
# ...
# %%
course.hint("uninstall")
# %%
course.solve("uninstall")
# %%
servers()
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - The server is removed from the vault with a reason, after the cloud is released. Then provider and agent can be uninstalled.
# - Removed while it does not answer, it keeps settings: until the clean-up script has run it can neither be registered again nor lose its
#   provider.
# %% [markdown] lang="ja"
# ## まとめ
#
# - クラウドの保護を解除したあと、理由を選んでサーバーをコンテナーから削除します。そのあと、プロバイダーとエージェントをアンインストールできます。
# - 応答しないサーバーを削除すると、サーバーに設定が残ります。クリーンアップ スクリプトを実行するまで、もう一度登録することも、
#   プロバイダーをアンインストールすることもできません。
# %%
course.progress()
