# %% [markdown] lang="en"
# # 2.9 Watching replication
#
# *In the guide: STEP 2, 2.9 レプリケーションの正常性の監視. About 12 minutes.*
#
# From now on replication runs day and night, and nobody looks at it. So you should know where to look. You will
#
# - reckon how long the first copy had to take, and compare;
# - watch an hour of cycles, and measure how old the data on the other side is;
# - read health where it is told in full: at the host, and in its event log;
# - find out in nine copies of the lab which line carries which frequency;
# - mend two troubles: a line that is too thin, and one that is gone.
# %% [markdown] lang="ja"
# # 2.9 レプリケーションの正常性の監視
#
# *自習書: STEP 2「2.9 レプリケーションの正常性の監視」。所要時間は約 12 分です。*
#
# レプリケーションはこれから昼も夜も動き続け、ふだんは誰も見ていません。だからこそ、どこを見ればよいかを知っておきます。このノートブックでは、次のことをします。
#
# - 最初のコピーにかかる時間を計算し、実際と比べる。
# - サイクルを 1 時間眺め、向こう側のデータがどれだけ古いかを測る。
# - 正常性の詳しい情報を、ホストとイベント ログで読む。
# - どの回線ならどのコピーの頻度に耐えられるかを、ラボのコピー 9 個で調べる。
# - 2 つの障害 (細すぎる回線と、切れた回線) を直す。
# %% [markdown] lang="en"
# ## Where you begin
#
# Three VMs are protected, their first copy has just been finished (2.8).
# %% [markdown] lang="ja"
# ## 始める前の状態
#
# 3 台の仮想マシンが保護され、最初のコピーが終わったところです (2.8)。
# %%
import tempfile
from pathlib import Path

import pandas as pd

import labkit
from labkit import course, portal, views

lab = course.start("replication-health")
# %% [markdown] lang="en" rules="2.9-1"
# ## How long did the first copy take?
#
# The host's event log **MicrosoftAzureRecoveryServices** has its beginning and end for each VM. (In the portal *Site* > *Event log*:
# `portal.open(lab, "site", "events")` in a cell of your own.)
# %% [markdown] lang="ja"
# ## 最初のコピーにかかった時間
#
# ホストのイベント ログ **MicrosoftAzureRecoveryServices** に、仮想マシンごとの開始と終了が記録されています (ポータルでは [サイト] > [イベント ログ]。
# 自分で作ったセルで `portal.open(lab, "site", "events")` を実行すると開きます)。
# %%
log = views.event_log(lab)
for row in log.itertuples():
    print(row.at[11:19], row.text)
# %% [markdown] lang="en"
# It is no constant: bytes to send over what the line carries. What is in use on the disks counts, not their size.
# %% [markdown] lang="ja"
# 決まった時間はありません。送信するバイト数を、回線の速度で割ったものになります。数えるのは、ディスクのサイズではなく、使用中のデータです。
# %%
events = [event for event in lab.site.event_log() if event.kind in ("initial.started", "initial.ended")]
sent = sum(event.details["bytes"] for event in events if event.kind == "initial.started")
line = lab.status()["line"]["bandwidth"]
print(f"{sent / 10**9:.2f} GB / {line / 10**6:.0f} Mbit/s = {sent * 8 / line:.0f} s")
print(f"{(events[-1].at - events[0].at) / 1000:.0f} s")
# %% [markdown] lang="en"
# Now you can do it for your own site: 2 TB over 50 Mbit/s are 3.7 days. That is why the start can be put into the night (2.7), and why failover
# is possible only afterwards.
#
# ## Step 1: an hour of cycles
#
# Every five minutes what has changed is cut off, sent, and applied. The curve is the age of the data in Azure, the RPO, of `MYWSV01`.
# %% [markdown] lang="ja"
# これで、自分のサイトでも計算できます。2 TB を 50 Mbit/s の回線で送ると、3.7 日かかります。開始時刻を夜間にできるのは (2.7)、このためです。フェールオーバーが
# できるのは、コピーが終わってからです。
#
# ## 手順 1: サイクルを 1 時間眺める
#
# 5 分ごとに、それまでの変更が切り出され、送信され、適用されます。線は、Azure にある `MYWSV01` のデータの古さ (RPO) です。
# %%
view = portal.watch(lab, ["MYWSV01"])
if course.todo("an-hour-of-cycles"):
    await view.play("1h", speed=600)
# %%
course.check("an-hour-of-cycles")
# %% [markdown] lang="en" rules="1.1-4"
# ## An experiment: what would be lost?
#
# A copy of the lab runs on, and every 23 seconds we ask how old the replica is. Then, at an unlucky moment, the site loses its power, and
# we fail over, unplanned. In another copy nothing has happened, and we fail over as planned.
# %% [markdown] lang="ja"
# ## 実験: 何が失われるか
#
# ラボのコピーを動かし、23 秒ごとにレプリカの古さを調べます。そして、いちばん間の悪い瞬間にサイトが停電し、計画されていないフェールオーバーを実行します。
# 別のコピーでは何も起こらず、計画されたフェールオーバーを実行します。
# %%
with tempfile.TemporaryDirectory() as folder:
    ages = []
    with labkit.open(lab.copy(Path(folder) / "unplanned.lab")) as copy:
        while len(ages) < 50 or copy.vault.items["MYWSV01"].rpo < 280:
            copy.run("23s")
            ages.append(copy.vault.items["MYWSV01"].rpo)
        copy.faults.lose_site()
        copy.vault.unplanned_failover("MYWSV01", wait=True)
        found = copy.vault.failovers
    with labkit.open(lab.copy(Path(folder) / "planned.lab")) as copy:
        copy.vault.planned_failover("MYWSV01", wait=True)
        found += copy.vault.failovers
print(f"{min(ages):.0f} s ... {max(ages):.0f} s")
for one in found:
    print(f"{one.operation:18} {one.rpo:4.0f} s  {one.bytes / 2**20:4.1f} MB  {one.orders}  {one.seconds:.0f} s")
# %% [markdown] lang="en"
# (Age of what was recovered, bytes and orders that were lost, and how long before the end the last recovered order was taken.) Of an unplanned failover you lose what was written after the last
# state that arrived whole: at the worst the interval and the time one cycle needs to cross. As long as replication keeps up. A planned failover
# sends the rest first, and loses nothing.
# %% [markdown] lang="ja"
# 表示しているのは、復旧したデータの古さ、失われたバイト数と注文の件数、復旧できた最後の注文が停止の何秒前のものかです。計画されていないフェールオーバーでは、最後に
# 届いた状態より後に書き込まれたものが失われます。最悪の場合、コピーの間隔に、1 サイクルの転送時間を足した分です。ただし、レプリケーションが
# 追いついていればの話です。計画されたフェールオーバーは、残りを先に送信するので、何も失いません。
# %% [markdown] lang="en" rules="2.9-2"
# ## Where health is told in full
#
# The Management Portal of 2014 and VMM know three states: waiting for the first copy, in it, and after it, with *OK* or *Critical* behind. No progress, no figures.
# (The lab's portal has them: *Dashboard*.)
# %% [markdown] lang="ja"
# ## 正常性の詳しい情報
#
# 2014 年の管理ポータルと VMM でわかるのは、最初のコピーの待機中、進行中、終了後の 3 つの状態と、OK か重大かだけです。進捗も数字もありません
# (ラボのポータルでは、[ダッシュボード] で見られます)。
# `Protected - OK` は、ポータルの「保護済み - OK」です。
# %%
lab.status()["items"]["MYWSV01"]["status"]
# %% [markdown] lang="en"
# The host knows more: Hyper-V Manager, *Replication* > *View Replication Health*; in the lab's portal *Site* > *Hyper-V*, choose the VM. It is the same
# window as for Hyper-V Replica between two hosts; only the replica server is called Microsoft Azure. Here are its figures: cycles that arrived, were due and were
# missed; bytes a cycle, milliseconds for it; bytes yet to be replicated.
# %% [markdown] lang="ja"
# 詳しいことは、ホストが知っています。Hyper-V マネージャーの [レプリケーションの正常性の表示] です。ラボのポータルでは、[サイト] > [Hyper-V] で仮想マシンを
# 選びます。2 台のホストの間の Hyper-V レプリカと同じウィンドウで、レプリカ サーバーが Microsoft Azure になっているだけです。次の表は、
# その数字です。上から、正常性とその理由、届いたサイクル数、予定されていたサイクル数、失われたサイクル数、エラーの数、サイズの平均と最大 (バイト)、待機時間の平均と
# 最大 (ミリ秒)、まだレプリケートされていないデータのサイズ (バイト) です。
# %%
columns = ["health", "details", "successful_count", "expected_count", "missed_count", "errors"]
columns += ["average_size", "maximum_size", "average_latency", "maximum_latency", "pending_size"]


def health(*vms: str) -> pd.DataFrame:
    return views.replication(lab).set_index("vm").loc[list(vms), columns].T


health("MYWSV01")
# %% [markdown] lang="en"
# **Your turn.** How many cycles were *due* in this interval? `course.answer("cycles-due", ...)`. If fewer have arrived, something is behind.
# (`course.solve` does it for you: leave it out while you try yourself.)
# %% [markdown] lang="ja"
# **やってみましょう。** この期間に届くはずだったサイクルは、いくつでしょうか。`course.answer("cycles-due", ...)` で答えてください。実際に届いた数のほうが
# 少なければ、遅れています (`course.solve` は代わりに実行するセルなので、自分で試している間は飛ばしてください)。
# %%
# ...
# %%
course.solve("cycles-due")
# %% [markdown] lang="en" rules="2.9-4"
# ## An experiment: which line carries which frequency?
#
# Health turns **critical** with the first cycle that takes longer than its interval, and normal with the first that does not. The guide's cure is a longer
# frequency. Does it help? Blocks that are written again and again travel once a cycle; so less often is less in all. We try three lines and three
# frequencies, two hours each: the health of `MYWSV01`, and the age of its replica.
# %% [markdown] lang="ja"
# ## 実験: どの回線なら、どの頻度に耐えられるか
#
# 1 サイクルの転送が間隔より長くかかると、正常性は**重大** (Critical) になり、間に合うようになると**正常** (Normal) に戻ります。自習書の対策は、コピーの頻度を
# 長くすることです。効果はあるでしょうか。何度も書き換えられるブロックは、1 サイクルに 1 回だけ送信されます。頻度を長くすれば、全体の量は減るはずです。3 種類の
# 回線と 3 種類の頻度で 2 時間ずつ動かし、`MYWSV01` の正常性とレプリカの古さを調べます。
# %%
def tried(bandwidth: str, frequency: str) -> str:
    with tempfile.TemporaryDirectory() as folder, labkit.open(lab.copy(Path(folder) / "copy.lab")) as copy:
        copy.vault.change_protection("OnPremise Cloud", frequency=frequency, wait=True)
        copy.faults.set_bandwidth(bandwidth)
        copy.run("2h")
        item = copy.vault.items["MYWSV01"]
        return f"{item.health:8} {item.rpo / 60:5.1f} min"


print(" " * 8, *(f"{frequency:20}" for frequency in ("30s", "5min", "15min")))
for bandwidth in ("2Mbps", "2500kbps", "3Mbps"):
    print(f"{bandwidth:8}", *(f"{tried(bandwidth, frequency):20}" for frequency in ("30s", "5min", "15min")))
# %% [markdown] lang="en"
# Read both figures, line by line: health says whether each cycle ends within its interval, the age how old the data is. At 3 Mbit/s
# everything goes, and the short frequency has by far the youngest data. At 2.5 Mbit/s only with 15 minutes does each cycle end in time.
# There the guide's cure makes health normal, but the data older than with 5 minutes: *normal* is not *good*. At 2 Mbit/s nothing
# helps; the line is too thin for what these VMs write, and the longer it runs, the further it falls behind. Only bandwidth (or fewer
# writes) cures that.
# %% [markdown] lang="ja"
# 1 行ずつ、2 つの値を読んでください。正常性は各サイクルが間隔内に終わるかどうかを、もう 1 つの値はデータの古さを表します。3 Mbit/s なら、どの頻度でも
# 間に合い、頻度が短いほどデータは新しくなります。2.5 Mbit/s では、サイクルが間隔内に終わるのは 15 分のときだけです。自習書の対策で正常性は「正常」に
# なりますが、データは 5 分のときよりも古くなります。「正常」なら安心、というわけではありません。2 Mbit/s では、どうにもなりません。書き込みの量に
# 対して回線が細すぎて、時間がたつほど遅れていきます。直すには、帯域幅を増やす (または書き込みを減らす) しかありません。
# %% [markdown] lang="en" rules="2.9-3"
# ## Something to break: the first trouble
#
# Half an hour ago something happened to the line. Data still flows.
# %% [markdown] lang="ja"
# ## 壊して直す (1)
#
# 30 分前に、回線に何かが起こりました。データは流れ続けています。
# %%
course.trouble("thin-line")
# %%
course.check("thin-line")
# %%
for row in views.event_log(lab).tail(4).itertuples():
    print(row.at[11:19], row.level, row.text)
health("MYWSV01", "MYBSD01", "MYWSV02")
# %% [markdown] lang="en"
# **Your turn.** Compare what has to cross with what the line carries (`lab.status()["line"]`), and decide: another frequency, or another
# line? For the second call the provider; in the lab that is *Lab* > *Faults* > *Bandwidth of the line*, or `lab.faults.set_bandwidth`. Let half an
# hour pass, and health comes back by itself.
# %% [markdown] lang="ja"
# **やってみましょう。** 送信しなければならない量と、回線の速度 (`lab.status()["line"]`) を比べて、頻度を変えるか、回線を増強するかを決めてください。回線を
# 増強するには、通信事業者に連絡します。ラボでは [ラボ] > [障害] > [回線の帯域幅]、または `lab.faults.set_bandwidth` です。そのあと 30 分ほど進めると、
# 正常性は自動的に元に戻ります。
# %%
# ...
# %%
course.hint("thin-line")
# %%
course.solve("thin-line")
# %% [markdown] lang="en"
# ## Something to break: the second trouble
#
# Now an excavator has found the cable. Twenty minutes have passed.
# %% [markdown] lang="ja"
# ## 壊して直す (2)
#
# 今度は、工事の重機がケーブルを切ってしまいました。20 分たっています。
# %%
course.trouble("line-lost")
# %%
course.check("line-lost")
# %%
for row in views.event_log(lab, "MYWSV01").tail(5).itertuples():
    print(row.at[11:19], row.text, row.details)
# %% [markdown] lang="en"
# Each failed attempt is logged with its reason and the time to the next try (`next`, in milliseconds): one minute, two, four, eight, ten, then half an hour. Nothing
# is lost meanwhile at the site, the changes wait in the log. **Your turn.** When the line is back you may wait for the next try, or resume replication at once.
# %% [markdown] lang="ja"
# 失敗するたびに、理由と、次に試すまでの時間 (`next`、単位はミリ秒) が記録されます。間隔は 1 分、2 分、4 分、8 分、10 分、そのあとは 30 分です。その間、サイトでは
# 何も失われません。変更はログにたまって、送信を待っています。**やってみましょう。** 回線が復旧したら、次の試行を待つことも、レプリケーションをすぐに再開することもできます。
# %%
# ...
# %%
course.hint("line-lost")
# %%
course.solve("line-lost")
# %%
for row in views.event_log(lab).tail(5).itertuples():
    print(row.at[11:19], row.text)
# %% [markdown] lang="en"
# ## What to keep in mind
#
# - The first copy takes bytes / bandwidth. Reckon before you promise a date.
# - RPO is a saw-tooth: interval plus transfer at the worst, and more as soon as replication falls behind.
# - The portal says *whether*, the host says *how*: health, cycles, sizes, latency. The event log says *why*.
# - Critical means: not within the interval. A longer frequency may end it, at the price of older data; below a certain line nothing does.
# - After an outage the changes are sent by themselves, later and later attempts; resuming makes it at once.
# %% [markdown] lang="ja"
# ## まとめ
#
# - 最初のコピーの時間は、バイト数 ÷ 帯域幅です。約束する前に計算します。
# - RPO はのこぎりの歯のように変化します。最悪の場合は間隔 + 転送時間で、レプリケーションが遅れるとさらに長くなります。
# - 状態の概略はポータルで、詳細 (正常性、サイクル、サイズ、待機時間) はホストで、理由はイベント ログで確認します。
# - 重大は「間隔内に終わらない」という意味です。頻度を長くすれば直ることがありますが、データは古くなります。回線が細すぎれば直りません。
# - 回線が切れても、変更はあとで自動的に送信されます。すぐに送りたければ、レプリケーションを再開します。
# %%
course.progress()
