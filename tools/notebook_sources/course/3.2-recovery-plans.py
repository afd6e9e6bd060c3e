# %% [markdown] lang="en"
# # 3.2 Recovery plans
#
# *In the guide: STEP 3, 3.2 復旧計画の作成. About 12 minutes.*
#
# At three in the morning nobody should have to think about which VM comes first. A recovery plan has thought of it before. You will
#
# - make a plan, in a wizard of two pages;
# - put its VMs into groups, and see in which order they start, and in which they are shut down;
# - let it wait for a person, and let it run a script;
# - try what happens when the script fails, planned and unplanned;
# - find a mistake in a plan that nobody complains about.
# %% [markdown] lang="ja"
# # 3.2 復旧計画の作成
#
# *自習書: STEP 3「3.2 復旧計画の作成」。所要時間は約 12 分です。*
#
# 午前 3 時に、どの仮想マシンから起動するかを考えさせてはいけません。復旧計画は、それを前もって考えておくものです。このノートブックでは、次のことをします。
#
# - 2 ページのウィザードで、復旧計画を作成する。
# - 仮想マシンをグループに分け、起動の順序とシャットダウンの順序を確かめる。
# - 途中で人の指示を待つようにし、スクリプトも実行させる。
# - スクリプトが失敗したらどうなるかを、計画された場合と計画されていない場合で試す。
# - 誰も気づかない、復旧計画の間違いを見つける。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected, and `DC02` stands in Azure (3.1). There is no plan.
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンが保護され、Azure には `DC02` があります (3.1)。復旧計画はまだありません。
# %%
import tempfile
from pathlib import Path

import labkit
from labkit import course, portal

lab = course.start("recovery-plans")
folder = tempfile.TemporaryDirectory()
copies = iter(range(1000))


def another() -> labkit.Lab:
    return labkit.open(lab.copy(Path(folder.name) / f"copy-{next(copies)}.lab"))


# %% [markdown] lang="en"
# ## What a plan is made of
#
# ```text
# plan        group 1            group 2               group 3
#             database   wait    middle tier   script  web server
#             +--------+ (!)     +----------+   { }    +--------+
# start       ------------------------------------------------->
# shut down   <-------------------------------------------------
# ```
#
# Groups start one after the other, the VMs of a group together. In a planned failover the site's side is shut down the other way round. Before and after a
# group there may be **actions**: a person's word, a script, a check. One click starts it all, and that is what makes RTO short.
# %% [markdown] lang="ja"
# ## 復旧計画の中身
#
# ```text
# 復旧計画        グループ 1           グループ 2                グループ 3
#                 データベース  待機   中間層       スクリプト   Web サーバー
#                 +----------+  (!)    +--------+      { }       +----------+
# 起動            ------------------------------------------------------->
# シャットダウン  <-------------------------------------------------------
# ```
#
# グループは順番に、グループの中の仮想マシンは同時に起動します。計画されたフェールオーバーでは、サイト側は逆の順にシャットダウンされます。グループの前と後には、
# **アクション**を入れられます。人の指示を待つ手動アクション、スクリプト、アプリケーションの確認です。すべてがワン クリックで始まるので、RTO が短くなります。
# %% [markdown] lang="en" rules="3.2-1"
# ## Step 1: make it
#
# **In the portal** (`portal.open(lab, "plans")` in a cell of your own): *Recovery Plans* > *Create*. **In code:** the same wizard. The first page asks for name, source (a VMM server) and target, the second offers
# the VMs that are protected from this source to this target.
# %% [markdown] lang="ja"
# ## 手順 1: 作成する
#
# **ポータルで:** 自分で作ったセルで `portal.open(lab, "plans")` を実行し、[復旧計画] > [作成] をクリックします。**コードで:** 同じウィザードを使います。1 ページ目で名前、ソース (VMM サーバー)、ターゲットを
# 指定し、2 ページ目では、その組み合わせで保護されている仮想マシンから選びます。
# %%
if course.todo("create-plan"):
    wizard = lab.vault.plan_wizard()
    print(wizard.title, wizard.pages)
    print([(field.title, field.value) for field in wizard.fields])
    wizard.next(name="Contoso")
    print(lab.vault.plan_vms())
    wizard.next(vms=["MYWSV01", "MYBSD01"])
    wizard.finish()
plan = lab.vault.plans["Contoso"]
plan.groups
# %%
course.check("create-plan")
# %% [markdown] lang="en" rules="3.2-5"
# As made, all its VMs are in one group. It is customised on its own page (in the portal: click the plan), in a **draft**, of which nothing counts before it is
# saved. Not everything can be saved. What do you think is wrong with each of these?
# %% [markdown] lang="ja"
# 作成した直後は、すべての仮想マシンが 1 つのグループに入っています。カスタマイズは、復旧計画のページで行います (ポータルでは復旧計画をクリックします)。変更は
# **下書き**に入り、[保存] するまで有効になりません。保存できないものもあります。次のそれぞれは、どこがいけないのでしょうか。
# %%
for groups in (
    [["MYWSV01", "MYBSD01"], ["MYWSV01"]],
    [["MYWSV01"], [], ["MYBSD01"]],
    [[]],
    [["MYWSV01"], ["SC01"]],
    [["MYWSV01"], *([{"before": [{"name": "Wait", "action": "manual", "text": "-"}]}] * 8)],
):
    try:
        lab.vault.save_plan("Contoso", groups)
    except labkit.LabError as refused:
        print(refused.code, refused.message)
# %% [markdown] lang="en" rules="3.2-2"
# ## Step 2: two groups
#
# `MYWSV01` has the database, so it shall be first, and `MYBSD01` shall follow.
#
# **Your turn.** In the portal: *Add group*, *Move to a group*, *Save*. In code: `plan.draft()`, whose methods can be chained, and `save()` at the end.
# (`course.solve` does it for you: leave it out while you try yourself.)
# %% [markdown] lang="ja"
# ## 手順 2: 2 つのグループ
#
# データベースは `MYWSV01` にあるので、これを最初に起動し、`MYBSD01` はそのあとにします。
#
# **やってみましょう。** ポータルでは [グループの追加]、[グループへの移動]、[保存] です。コードでは `plan.draft()` のメソッドをつなげて書き、最後に
# `save()` を呼びます (`course.solve` は代わりに実行するセルなので、自分で試している間は飛ばしてください)。
# %%
# ...
# %%
course.hint("two-groups")
# %%
course.solve("two-groups")
# %% [markdown] lang="en"
# ## An experiment: what does the order cost?
#
# Two copies: in one both VMs are in one group, in the other in two. Both fail over as planned. How long did all of it take (the second line: the plan's job from
# its beginning to its end), when was each VM shut down at the site, and when did it start in Azure?
# %% [markdown] lang="ja"
# ## 実験: 順序を付けると、どれだけ時間がかかるか
#
# コピーを 2 つ作り、一方では 2 台を 1 つのグループに、もう一方では 2 つのグループに入れて、計画されたフェールオーバーを実行します。それぞれの仮想マシンは、
# いつサイトでシャットダウンされ、いつ Azure で起動したでしょうか。全体の時間 (2 行目。復旧計画のジョブの開始から終了まで) はどうでしょうか。
# %%
for groups in ([["MYWSV01", "MYBSD01"]], [["MYWSV01"], ["MYBSD01"]]):
    with another() as copy:
        copy.vault.save_plan("Contoso", groups)
        print(groups, copy.vault.plans["Contoso"].forecast("planned"))
        whole = copy.vault.planned_failover_plan("Contoso", wait=True)
        print("  ", whole.tasks[0].started[11:19], "-", whole.tasks[-1].ended[11:19])
        for job in copy.jobs.values():
            if job.scenario == "PlannedFailover":
                for task in job.tasks:
                    if task.name in ("VmShutdownVmOnPrimary", "VmFoStartVmOnSecondary"):
                        print("  ", job.target, task.started[11:19], task.title)
# %% [markdown] lang="en"
# One after the other takes longer: a group waits until the one before it has started. In the second copy `MYBSD01` was the first to be shut down and the last to
# start. The duration in the first lines is the plan's own forecast, made before; compare it with what it took. The plan's page shows it, too.
# %% [markdown] lang="ja"
# 順番に起動すると、前のグループの起動を待つので、長くかかります。2 つ目のコピーでは、`MYBSD01` が最初にシャットダウンされ、最後に起動しました。最初の行の時間は、
# 実行前に復旧計画が予測した所要時間です。実際にかかった時間と比べてください。予測は、復旧計画のページにも表示されます。
# %% [markdown] lang="en" rules="3.2-3"
# ## Step 3: wait for a person
#
# Between the two groups the shops shall be called. A **manual action** stops the plan there, in a planned and in an unplanned failover (and in a test, unless
# it is limited with `kinds=...`), shows its text, and waits.
#
# **In the portal:** choose a row of group 1, *Add manual action*: name `Tell the shops`, and what to do; *Save*. **In code:** the next cell.
# %% [markdown] lang="ja"
# ## 手順 3: 人の指示を待つ
#
# 2 つのグループの間で、店舗に電話をすることにします。**手動アクション**を入れると、フェールオーバーはそこで止まり、指示の文章を表示して待ちます
# (`kinds=...` で、フェールオーバーの種類を限定することもできます)。
#
# **ポータルで:** グループ 1 の行を選び、[手動アクションの追加] で名前 `Tell the shops` と指示の文章を指定して、[保存] をクリックします。**コードで:** 次のセルを実行します。
# %%
if course.todo("manual-action"):
    plan.draft().add_manual(1, "Tell the shops", "Call the shops: orders go to Azure from now on.").save()
# %%
course.check("manual-action")
# %% [markdown] lang="en" rules="3.2-4"
# ## Step 4: run a script
#
# Since September 2014 (the 11th in the guide's section, the 12th in its FAQ, Japan time) a plan to Azure can run **runbooks**. They are held by an Azure Automation account. Without one:
# %% [markdown] lang="ja"
# ## 手順 4: スクリプトを実行する
#
# 2014 年 9 月から (自習書の本文では 11 日、FAQ では 12 日、日本時間)、Azure への復旧計画では **Runbook** を実行できます。Runbook は、Azure Automation のアカウントに入れておきます。アカウントがないと、
# どうなるでしょうか。
# %%
if course.todo("runbook"):
    try:
        plan.draft().add_script(2, "Write it down", "contoso-automation", "tell").save()
    except labkit.LabError as refused:
        print(refused)
# %% [markdown] lang="en"
# In the lab a runbook is a Python file (or a notebook). It is given the plan's **context** as a file: which plan, which kind of failover, which direction, which
# VMs. Ours prints it; the cell writes the file.
# %% [markdown] lang="ja"
# ラボの Runbook は、Python のファイル (またはノートブック) です。どの復旧計画か、どの種類のフェールオーバーか、方向、仮想マシンの一覧などの**コンテキスト**が、
# ファイルで渡されます。ここでは、それを表示するだけの
# Runbook を作ります。次のセルが、そのファイルを書き出します。
# %%
file = lab.path.parent / "tell.py"
file.write_text("import pathlib, sys\nprint(pathlib.Path(sys.argv[1]).read_text('utf-8'))\n", encoding="utf-8")
print(file.name)
# %% [markdown] lang="en"
# **In the portal:** *Azure* > *Automation* > *Create automation account*: `contoso-automation`; choose it, *Import runbook*: `tell.py`. Then on the plan's page
# choose a row of group 2, *Add script*: name `Write it down`, account `contoso-automation`, runbook `tell`; *Save*. **In code:** the next cell.
# %% [markdown] lang="ja"
# **ポータルで:** [Azure] > [オートメーション] > [オートメーション アカウントの作成] で `contoso-automation` を作り、選んで、[Runbook のインポート] で `tell.py` を
# 指定します。次に復旧計画のページでグループ 2 の行を選び、[スクリプトの追加] で名前 `Write it down`、アカウント `contoso-automation`、Runbook `tell` を
# 指定して、[保存] をクリックします。**コードで:** 次のセルを実行します。
# %%
if course.todo("runbook"):
    if "contoso-automation" not in lab.azure.automation_accounts:
        lab.azure.create_automation_account("contoso-automation")
    lab.azure.import_runbook("contoso-automation", file)
    plan.draft().add_script(2, "Write it down", "contoso-automation", "tell").save()
for number, group in enumerate(plan.groups, 1):
    print(number, group["vms"], [(action["action"], action["name"]) for action in group.get("after", [])])
# %%
course.check("runbook")
# %% [markdown] lang="en"
# ## A rehearsal: the plan in earnest
#
# In a copy the site has lost its power. One click, and the plan goes as far as your action. Read what it asks; give your word, with a note (in the portal *Jobs* >
# *Complete manual action*), and it goes on. At the end look at what the runbook has printed.
# %% [markdown] lang="ja"
# ## 予行演習: 復旧計画の本番
#
# コピーでサイトが停電しました。ワン クリックで、復旧計画は手動アクションのところまで進みます。指示を読み、メモを付けて続行させます (ポータルでは [ジョブ] で
# ジョブを選び、[手動アクションの完了] をクリックします)。最後に、Runbook が表示した内容を見てください。
# %%
with another() as copy:
    copy.faults.lose_site()
    job = copy.vault.unplanned_failover_plan("Contoso", wait=True)
    print(job.state, job.instructions, sep=" | ")
    copy.wait(job.complete("The shops are told."))
    print(job.state)
    for task in job.tasks:
        print("  ", task.started[11:19], task.title, task.note)
    print(copy.vault.runbook_runs[-1].output)
# %% [markdown] lang="en"
# And if the script fails? Two more copies, with a runbook that ends in an error after group 1:
# %% [markdown] lang="ja"
# スクリプトが失敗したら、どうなるでしょうか。グループ 1 のあとでエラーになる Runbook を入れて、さらに 2 つのコピーで試します。
# %%
with another() as broken:
    file = Path(folder.name) / "fails.py"
    file.write_text("raise SystemExit('no such table')\n", encoding="utf-8")
    broken.azure.import_runbook("contoso-automation", file)
    changed = broken.vault.plans["Contoso"].draft().remove_action(1, "Tell the shops").remove_action(2, "Write it down")
    changed.add_script(1, "Fails", "contoso-automation", "fails").save()
    for kind in ("planned_failover_plan", "unplanned_failover_plan"):
        with labkit.open(broken.copy(Path(folder.name) / f"copy-{next(copies)}.lab")) as copy:
            try:
                getattr(copy.vault, kind)("Contoso", wait=True)
            except labkit.LabError as refused:
                print(refused.message)
            job = next(job for job in copy.jobs.values() if job.scenario.startswith("Plan"))
            print(kind, job.state, {vm: copy.azure.machines[vm].state for vm in ("MYWSV01", "MYBSD01")})
# %% [markdown] lang="en"
# The planned one stops there: there is time to mend and *Restart*. The unplanned one goes on, for any VM that runs is better than none, and ends *completed with
# errors*.
#
# ## Something to break
#
# A colleague has tidied up the plan. Nothing complains, the plan is as valid as before.
# %% [markdown] lang="ja"
# 計画されたフェールオーバーはそこで止まります (Failed)。直してから [再起動] する時間があるからです。計画されていないフェールオーバーは先へ進み、
# 「完了 (エラーあり)」(CompletedWithErrors) で終わります。1 台でも多く動いているほうがよいからです。
#
# ## 壊して直す
#
# 同僚が、復旧計画を「整理」してくれました。エラーは何も出ません。復旧計画としては、前と同じように有効です。
# %%
course.trouble("wrong-order")
# %%
course.check("wrong-order")
# %% [markdown] lang="en"
# **Your turn.** Read the groups, and put them right.
# %% [markdown] lang="ja"
# **やってみましょう。** グループを確認して、正しい順序に戻してください。
# %%
[group["vms"] for group in plan.groups]
# %%
# ...
# %%
course.hint("wrong-order")
# %%
course.solve("wrong-order")
# %%
print(plan.version, plan.changed, plan.forecast("planned"))
# %% [markdown] lang="en"
# The version counts each save, and `True` says: changed since it was tested last, in our case never. That is what 3.3 is for.
#
# ## What to keep in mind
#
# - A plan is made in a minute; its value is in groups and actions. Nothing counts before *Save*.
# - Groups start in order and are shut down in reverse. Order costs time; use it only where one VM needs another.
# - Manual actions wait for a person; runbooks need an automation account, and know the plan's context.
# - A failed script stops a planned failover, and does not stop an unplanned one.
# - A plan with a wrong order is a valid plan. Only a test shows it.
# %% [markdown] lang="ja"
# バージョンは保存のたびに増えます。`True` は「前回のテストのあとに変更された」という意味です (まだ一度もテストしていません)。テストは 3.3 で行います。
#
# ## まとめ
#
# - 復旧計画の作成は 1 分で終わります。大事なのは、グループとアクションです。[保存] するまで、変更は有効になりません。
# - グループは順番に起動し、逆の順にシャットダウンされます。順序には時間がかかるので、必要なところだけに付けます。
# - 手動アクションは人の指示を待ちます。Runbook にはオートメーション アカウントが必要で、復旧計画のコンテキストが渡されます。
# - スクリプトが失敗すると、計画されたフェールオーバーは止まり、計画されていないフェールオーバーは止まりません。
# - 順序が間違っていても、復旧計画としては有効です。気づかせてくれるのは、テストだけです。
# %%
course.progress()
