# %% [markdown] lang="en"
# # 3.3 Test failover
#
# *In the guide: STEP 3, 3.3 テスト フェールオーバー. About 12 minutes.*
#
# A recovery plan that nobody has tried is a hope. Here you try it, while the shops go on selling. You will
#
# - start `MYWSV01` a second time in Azure, from its replica, and get into it;
# - see that production and replication take no notice;
# - complete the test, so that nothing of it is left, neither VM nor cost;
# - test a whole recovery plan, which waits for your word on the way;
# - find a mistake that only a test failover brings to light, and mend it.
# %% [markdown] lang="ja"
# # 3.3 テスト フェールオーバー
#
# *自習書: STEP 3「3.3 テスト フェールオーバー」。所要時間は約 12 分です。*
#
# 一度も試していない復旧計画は、願いごとと変わりません。ここでは、店が営業を続けている間に試します。このノートブックでは、次のことをします。
#
# - `MYWSV01` を、レプリカから Azure でもう 1 台起動し、中に入る。
# - その間も、本番の仮想マシンとレプリケーションが影響を受けないことを確かめる。
# - テストを完了し、仮想マシンも料金も残らないようにする。
# - 復旧計画を丸ごとテストする。計画は、途中であなたの指示を待ちます。
# - テスト フェールオーバーをしなければ気づかない間違いを見つけて、直す。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected, the recovery plan `Contoso` is made. `course.start` gives you a lab that stands just there: your
# own, if you come from 3.2, or a new one.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンが保護され、復旧計画 `Contoso` が作成されています。`course.start` は、ちょうどその状態のラボを用意します。3.2 から
# 続けている場合はあなたのラボを使い、そうでなければ新しいラボを作ります。
# %%
import labkit
from labkit import course, portal

lab = course.start("test-failover")
# %% [markdown] lang="en"
# ## What a test failover is
#
# ```text
# site                              Azure
# MYWSV01  --- changes, 5 min --->  replica of MYWSV01        goes on as before
# (runs, sells)                       |
#                                     +--> MYWSV01-test       a VM of its own,
#                                          writes elsewhere   deleted at the end
# ```
#
# The test VM starts from a recovery point of the replica, and what it writes goes beside the replica, not into it. Neither
# the site nor VMM is asked for anything, so you can test whatever state the site is in. The job stops at the task *Complete
# test* and waits for you, for hours or days if you like. As long as it waits, Azure charges for the test VM, and no other
# failover of this VM is possible.
#
# Which network should the test VM be on? On the one that is mapped, it would stand beside production under the same name. The
# usual answer is **None**: it is on no virtual network, and isolated.
# %% [markdown] lang="ja"
# ## テスト フェールオーバーとは
#
# ```text
# サイト                            Azure
# MYWSV01 --- 変更、5 分ごと -----> MYWSV01 のレプリカ (今までどおり)
# (実行中、営業中)                    |
#                                     +--> MYWSV01-test (独立した仮想マシン。書き込みは別の場所。最後に削除される)
# ```
#
# テスト用の仮想マシンは、レプリカの復旧ポイントから起動します。書き込んだ内容はレプリカではなく、別の場所に保存されます。
# サイトにも VMM にも何も要求しないので、サイトがどんな状態でもテストできます。ジョブは「テストの完了」のタスクで止まり、あなたを待ちます。
# 何時間でも、何日でも待ちます。待っている間、Azure ではテスト用の仮想マシンに料金がかかり、この仮想マシンのほかのフェールオーバーは
# 実行できません。
#
# テスト用の仮想マシンは、どのネットワークに接続すればよいでしょうか。マップ済みのネットワークに接続すると、本番と同じ名前のコンピューターが
# 並ぶことになります。通常は**なし**を選びます。どの仮想ネットワークにも接続されず、隔離されます。
# %% [markdown] lang="en" rules="3.3-1, 3.3-2"
# ## Step 1: start the test
#
# **In the portal** (`portal.open(lab, "items", "OnPremise Cloud")` in a cell of your own): on *Virtual Machines* choose `MYWSV01`, then *Test failover* in
# the bar at the foot of the page. The dialog (in the guide *Confirm Test Failover*) asks for the network: choose *None*. (In a
# cloud with encryption it asks for the certificate, too; without it, or with a wrong one, nothing is made.)
#
# **In code:** the next cell. `course.todo` is true as long as the step is not done, so you can run it after clicking, too.
# `wait=True` lets time pass until the job waits for you; five minutes more, and Windows has started.
# %% [markdown] lang="ja"
# ## 手順 1: テストを始める
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "items", "OnPremise Cloud")` を実行し、[仮想マシン] で `MYWSV01` を選び、ページの下のバーの [テスト フェールオーバー] を
# クリックします。ダイアログ (自習書の画面では [テスト フェールオーバーの確認]) で [ネットワーク] を聞かれるので、[なし] を選びます (暗号化を有効にした
# クラウドでは、証明書も必要です。証明書がない場合や間違っている場合は、何も作成されません)。
#
# **コードで:** 次のセルを実行します。`course.todo` は、手順がまだ済んでいない間だけ真になるので、ポータルで操作したあとに
# 実行してもかまいません。`wait=True` を付けると、ジョブがあなたを待つところまで時間が進みます。さらに 5 分進めると、
# Windows が起動します。
# %%
if course.todo("start-test"):
    lab.vault.test_failover("MYWSV01", network=None, wait=True)
    lab.run("5min")
# %%
course.check("start-test")
# %% [markdown] lang="en"
# The job's tasks, as the page *Jobs* shows them. It waits at *Complete testing*, for you; the three after it run when you have given your word.
# %% [markdown] lang="ja"
# ジョブのタスクです。[ジョブ] ページにも同じものが表示されます。[テストの完了] のタスクで止まって、あなたを待っています。そのあとの 3 つは、完了の指示を出すと実行されます。
# %%
job = next(job for job in lab.jobs.values() if job.scenario == "TestFailover")
for task in job.tasks:
    print(f"{task.started or '':30} {task.title}")
# %% [markdown] lang="en" rules="3.3-3, 3.3-4"
# ## Step 2: get into it
#
# A VM in Azure has no console. On no network this one is not to be reached from the site at all: the only way leads over its
# public address, and that needs an **endpoint**, which lets a public port lead to one of the VM. Remote Desktop is 3389, SSH 22.
#
# **In the portal:** *Azure* > *Virtual Machines* > `MYWSV01-test` > *Add endpoint*: name, protocol TCP, public port 50000,
# private port 3389. Then *Connect*.
#
# First somebody tries with a domain account. Read why that is refused: with network-level authentication the logon is
# checked before the screen appears, and no domain controller is in reach to check it.
# %% [markdown] lang="ja"
# ## 手順 2: 中に入る
#
# Azure の仮想マシンにはコンソールがありません。ネットワークが「なし」の仮想マシンには、サイトからはまったく届きません。公開アドレスを通る道しかなく、
# それには**エンドポイント**が必要です。エンドポイントは、公開ポートから仮想マシンのポートへの入り口です。リモート デスクトップは 3389、
# SSH は 22 です。
#
# **ポータルで:** [Azure] > [仮想マシン] > `MYWSV01-test` > [エンドポイントの追加] で、名前、プロトコル TCP、パブリック ポート 50000、
# プライベート ポート 3389 を指定します。そのあと [接続] をクリックします。
#
# はじめに、ドメインのアカウントで接続してみます。拒否される理由を読んでください。ネットワーク レベル認証 (NLA) では、画面が表示される前に
# サインインが確認されますが、確認してくれるドメイン コントローラーに届きません。
# %%
if course.todo("connect-test-vm"):
    lab.azure.add_endpoint("MYWSV01-test", "Remote Desktop", 50000, 3389)
try:
    lab.azure.connect("MYWSV01-test", r"DEMO\Administrator")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# The local administrator is known to the computer itself. What you see now is the test VM from inside: its disks, and the
# database with the orders as they stood at the recovery point, and those that it has taken itself since.
# %% [markdown] lang="ja"
# ローカルの管理者は、コンピューター自身が知っています。次に見えるのは、テスト用の仮想マシンの中です。ディスクと、注文のデータベースがあります。
# データベースには、復旧ポイントの時点までの注文と、そのあとこの仮想マシン自身が受け付けた注文が入っています。
# %%
seen = lab.azure.connect("MYWSV01-test", r"COMPUTER\Administrator")
seen.host_name, seen.application, seen.orders, list(seen.disks)
# %%
course.check("connect-test-vm")
# %% [markdown] lang="en" rules="3.3-5, 3.3-6"
# ## An experiment: does production notice?
#
# Let half an hour pass with the test open. The curve is the RPO of the production VM: cycles arrive every five minutes, as if
# nothing were there. The test VM, meanwhile, has orders that no customer has placed in the shop: it lives in a world of its own.
# %% [markdown] lang="ja"
# ## 実験: 本番に影響はあるか
#
# テストを開いたまま、30 分進めます。線は本番の仮想マシンの RPO です。何もなかったかのように、5 分ごとに変更が届きます。その間、テスト用の
# 仮想マシンには、本番の店にはない注文がたまっていきます。別の世界で動いているからです。
# %%
before = lab.vault.items["MYWSV01"].recovery_points[-1].time
view = portal.watch(lab, ["MYWSV01"])
await view.play("30min", speed=600)
# %%
before, lab.vault.items["MYWSV01"].recovery_points[-1].time
# %% [markdown] lang="en"
# The newest recovery point of production has moved on by half an hour: replication never stopped. And the orders in the test VM,
# half an hour ago and now, six a minute:
# %% [markdown] lang="ja"
# 本番の最新の復旧ポイントは 30 分進みました。レプリケーションは止まっていません。次は、テスト用の仮想マシンの注文の件数です。30 分前と今で、
# 1 分間に 6 件ずつ増えています。
# %%
seen.orders, lab.azure.connect("MYWSV01-test", r"COMPUTER\Administrator").orders
# %% [markdown] lang="en"
# As long as the test is open, one thing is allowed: to complete it. Any other failover is refused, with the reason.
# %% [markdown] lang="ja"
# テストを開いている間に許されている操作は 1 つ、テストの完了だけです。ほかのフェールオーバーは、理由とともに拒否されます。
# %%
try:
    lab.vault.planned_failover("MYWSV01")
except labkit.LabError as refused:
    print(refused)
# %% [markdown] lang="en"
# ## Step 3: complete the test
#
# **In the portal:** *Jobs* > the job > *Complete test*. You may leave a note; the box *The test failover is complete. Clean up
# the test environment* must be ticked.
# %% [markdown] lang="ja"
# ## 手順 3: テストを完了する
#
# **ポータルで:** [ジョブ] > ジョブを選択 > [テストの完了]。メモを残すことができます。[テスト フェールオーバーが完了しました。テスト環境を
# クリーンアップしてください] のチェック ボックスは、必ずオンにします。
# %%
if course.todo("complete-test"):
    lab.vault.complete_test("MYWSV01", note="The guest answers, both disks are there.", wait=True)
# %%
course.check("complete-test")
# %% [markdown] lang="en"
# ## Step 4: test the plan
#
# A plan is tested as a whole: group after group, with its manual actions and runbooks. Test VMs of a plan share one public
# address, so their public ports have to differ. The job waits at each manual action, and at the end for *Complete test*.
#
# **Your turn.** Test the plan `Contoso` on no network, and bring it to its end. In the portal it is *Recovery Plans* >
# `Contoso` > *Test failover*; in code you need `lab.vault.test_failover_plan`, `lab.wait`, `job.instructions` and
# `job.complete()`. Use the empty cell.
# %% [markdown] lang="ja"
# ## 手順 4: 復旧計画をテストする
#
# 復旧計画は、全体をまとめてテストします。グループを順に起動し、手動アクションや Runbook も実行します。1 つの計画のテスト用の仮想マシンは
# 公開アドレスを共有するので、パブリック ポートは別々にします。ジョブは手動アクションのたびに待ち、最後に「テストの完了」を待ちます。
#
# **やってみましょう。** 復旧計画 `Contoso` を、ネットワーク「なし」でテストし、最後まで進めてください。ポータルでは [復旧計画] > `Contoso` >
# [テスト フェールオーバー] です。コードでは `lab.vault.test_failover_plan`、`lab.wait`、`job.instructions`、`job.complete()` を使います。
# 次の空のセルを使ってください。
# %%
# ...
# %%
course.hint("test-plan")
# %% [markdown] lang="en"
# The next cell does it for you if you have not: leave it out while you try yourself. It runs what
# `course.solution("test-plan")` shows.
# %% [markdown] lang="ja"
# 次のセルは、まだ済んでいなければ代わりに実行します。自分で試している間は、飛ばしてください。実行されるのは、
# `course.solution("test-plan")` が表示するコードです。
# %%
course.solve("test-plan")
# %% [markdown] lang="en"
# ## Something to break
#
# At the site somebody "hardens" a server. Everything goes on: the shop sells, replication is healthy, no check complains. Run
# the cell, and then ask yourself: what would the next test failover show?
# %% [markdown] lang="ja"
# ## 壊して直す
#
# サイトで、誰かがサーバーの「セキュリティを強化」しました。すべて問題なく動いているように見えます。店は営業を続け、レプリケーションは
# 正常で、何も警告は出ません。セルを実行して、考えてみてください。次のテスト フェールオーバーでは、何が起こるでしょうか。
# %%
course.trouble("unreachable-guest")
# %%
course.check("unreachable-guest")
# %% [markdown] lang="en"
# **Your turn.** Find the cause, and mend it. Mind that a guest in Azure is as it was at the recovery point: mended at the
# site is not yet mended in the replica.
# %% [markdown] lang="ja"
# **やってみましょう。** 原因を見つけて、直してください。Azure の仮想マシンの中身は、復旧ポイントの時点のままです。サイトで直しても、
# レプリカではまだ直っていないことに注意してください。
# %%
# ...
# %%
course.hint("unreachable-guest")
# %%
course.solve("unreachable-guest")
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - A test failover runs beside production, from the replica, at any time; replication goes on, the replica stays as it was.
# - On network *None* the test VM is reached at its public address by an endpoint, with a local administrator's account.
# - It costs until it is completed, and completing it deletes all that it made.
# - What does not let you in at the site will not let you in in Azure. Only a test tells you before the day it matters.
#
# What is left to do, in this notebook and in the others:
# %% [markdown] lang="ja"
# ## まとめ
#
# - テスト フェールオーバーは、レプリカを使って、本番と並べて、いつでも実行できます。レプリケーションは続き、レプリカは変わりません。
# - ネットワーク「なし」では、公開アドレスのエンドポイントから、ローカルの管理者アカウントで接続します。
# - 完了するまで料金がかかります。完了すると、テストで作られたものはすべて削除されます。
# - サイトで入れない仮想マシンには、Azure でも入れません。いざという日の前にそれを教えてくれるのは、テストだけです。
#
# このノートブックと、ほかのノートブックの進み具合です。
# %%
course.progress()
