"""The harness can fail: each guard of the invariants, taken away, breaks a check.

Every case is a scenario in which the guard matters. As the system is, its checks hold; without the guard the named one
must fail. So no guard is there for nothing, and none can be lost without a test that fails.
"""

from __future__ import annotations

import tidemark.aws.watches
import tidemark.domain.chunks
import tidemark.services.authenticate
import tidemark.services.batching
import tidemark.services.fold
import tidemark.services.ingest
import tidemark.websocket
from tests.support import batch_races, guards, lease_races, races, removals
from tests.support.guards import Guard
from tests.support.removals import edited, replaced, unconditional
from tests.support.stack import Stack
from tidemark.aws.cells import DynamoCells
from tidemark.aws.connections import DynamoConnections
from tidemark.aws.snapshots import DynamoSnapshots
from tidemark.domain.definitions import load
from tidemark.services.batching import FillBatches
from tidemark.services.broadcast import Broadcast
from tidemark.services.fold import FoldChunks
from tidemark.services.views import Views
from tidemark.services.watching import Watching

LEADER = load(
    """
    name: web
    measures:
      visitors: {kind: unique, events: [page], field: anonymous_id}
      leader: {kind: top, events: [page], field: properties.path, limit: 1}
    kpis: [visitors]
    tabs:
      overview: [leader]
    """,
    "leader.yaml",
)

NOT_ONCE = "cells and log differ"
NOT_IN_ONE = "not every event is in one batch"
STALE_HEAD = "the head is not what the cells hold"
STALE_VIEWER = "a viewer is not exact"
NO_LEASE = "left without a lease"
FOR_NOBODY = "a view is kept up for nobody"


GUARDS = [
    # 1. Acked means stored
    Guard(
        "an event is acknowledged only after its put",
        replaced(tidemark.services.ingest, "_store", removals.acknowledge_anyway),
        races.a_put_that_fails,
        "acknowledged and not stored",
    ),
    # 2. Counted once
    Guard(
        "a chunk is named by its content",
        replaced(tidemark.domain.chunks, "chunk_key", removals.random_key),
        races.a_request_whose_answer_is_lost,
        "did not meet its own chunk",
    ),
    Guard(
        "the first write of a chunk wins",
        unconditional("PutItem", "EventsTable"),
        races.the_same_ids_with_other_content,
        NOT_ONCE,
    ),
    Guard(
        "a cell moves only from the commit that the fold has seen",
        unconditional("PutItem", "CellsTable"),
        races.two_folds_race_for_a_cell,
        NOT_ONCE,
    ),
    Guard(
        "an entry of the ledger counts only if the chain leads to it",
        replaced(FoldChunks, "_read", removals.trust_orphans),
        races.two_folds_race_for_a_cell,
        NOT_ONCE,
    ),
    Guard(
        "the ledger is written before the cell moves",
        replaced(DynamoCells, "append", removals.cell_before_ledger),
        races.a_fold_dies_between_its_writes_to_a_cell,
        NOT_ONCE,
    ),
    Guard(
        "a chunk that the cell holds is not folded again",
        replaced(FoldChunks, "_know", removals.forget_chunks),
        races.a_batch_is_delivered_again,
        "not a no-op",
    ),
    Guard(
        "an event id that the cell holds is dropped",
        replaced(tidemark.services.fold, "_new_events", removals.forget_ids),
        races.an_event_comes_again_in_another_chunk,
        NOT_ONCE,
    ),
    # … and analysed once
    Guard(
        "a batch is stored only in the place of the version before",
        unconditional("PutItem", "WorkTable", "B#"),
        batch_races.two_workers_fill_the_same_batch,
        NOT_IN_ONE,
    ),
    Guard(
        "an event id that a batch of the chain has is dropped",
        replaced(tidemark.services.batching, "_fresh", removals.forget_ids),
        batch_races.an_event_comes_again_for_its_batch,
        NOT_IN_ONE,
    ),
    Guard(
        "a chain that grew while it was read is read again",
        replaced(FillBatches, "_read", removals.believe_every_page),
        batch_races.a_chain_grows_between_its_pages,
        NOT_IN_ONE,
    ),
    # 4. State, delta and sequence together
    Guard(
        "head and delta are one transaction",
        replaced(DynamoSnapshots, "commit", removals.no_transaction),
        races.a_commit_dies_between_its_writes,
        "the head is not at the end of the delta log",
    ),
    Guard(
        "a head is replaced only where it was read",
        unconditional("TransactWriteItems", "SnapshotsTable"),
        races.a_fold_runs_during_another,
        STALE_HEAD,
    ),
    Guard(
        "the condition on the head covers its basis",
        edited("TransactWriteItems", "SnapshotsTable", ":basis", removals.without_basis),
        races.a_late_event_that_shows_nothing_races_with_a_live_one,
        STALE_HEAD,
        {"web": LEADER},
    ),
    Guard(
        "a remembered frame is used only with its basis",
        replaced(Views, "_remembered", removals.any_basis),
        races.another_process_changes_a_settled_hour,
        STALE_HEAD,
    ),
    Guard(
        "the views are refreshed also when nothing was new",
        replaced(FoldChunks, "_fold_workspace", removals.refresh_only_after_a_write),
        races.a_fold_dies_between_cell_and_view,
        STALE_HEAD,
    ),
    # 5. Positions before data, recovery all or nothing
    Guard(
        "the head is read before the cells",
        replaced(DynamoSnapshots, "commit", removals.head_after_cells),
        races.a_fold_runs_during_another,
        STALE_HEAD,
    ),
    Guard(
        "a subscription stands before the head is read",
        replaced(Watching, "subscribe", removals.subscribe_last),
        races.folds_run_during_a_subscription,
        STALE_VIEWER,
    ),
    Guard(
        "a view is watched before its head is rendered",
        replaced(Views, "watched", removals.watch_last),
        races.folds_run_during_a_subscription,
        STALE_VIEWER,
    ),
    Guard(
        "a new watch is settled only once its head was rendered",
        replaced(DynamoConnections, "watch", removals.settled_at_once),
        races.nobody_watched_for_a_while,
        STALE_VIEWER,
    ),
    Guard(
        "a watch is settled only by its own generation",
        unconditional("UpdateItem", "ConnectionsTable", "SET settled"),
        races.an_old_subscriber_settles_a_new_watch,
        STALE_VIEWER,
    ),
    Guard(
        "a hole in the delta log is not recovered over",
        replaced(Watching, "_missed", removals.whatever_is_there),
        races.a_delta_is_missing_in_the_log,
        "recovered over a hole",
    ),
    # 6. Connections are leases
    Guard(
        "the last one to leave removes the watch only if nobody came meanwhile",
        unconditional("DeleteItem", "ConnectionsTable", ":generation"),
        races.a_newcomer_arrives_while_the_last_one_leaves,
        STALE_VIEWER,
    ),
    Guard(
        "a subscription and its place in the lease are one transaction",
        replaced(DynamoConnections, "_subscribe", removals.no_transaction),
        lease_races.a_connection_ends_while_it_subscribes,
        NO_LEASE,
    ),
    Guard(
        "a watch is ended by the subscriber whose connection ended before it",
        replaced(DynamoConnections, "is_subscribed", lambda _: lambda *_: True),
        lease_races.a_connection_ends_while_it_subscribes,
        FOR_NOBODY,
    ),
    Guard(
        "a lease is removed only as it was read",
        unconditional("DeleteItem", "ConnectionsTable", "LEASE"),
        lease_races.a_subscription_comes_while_its_connection_ends,
        NO_LEASE,
    ),
    Guard(
        "a lease has changed also when it lists the view already",
        edited("TransactWriteItems", "ConnectionsTable", "revision", removals.without_revision),
        lease_races.a_subscription_comes_while_its_connection_ends,
        NO_LEASE,
    ),
    Guard(
        "a view is taken out of a lease only as that was read",
        unconditional("UpdateItem", "ConnectionsTable", "DELETE"),
        lease_races.a_view_is_subscribed_to_while_it_is_unsubscribed_from,
        f"{NO_LEASE}|{FOR_NOBODY}",
    ),
    Guard(
        "a watch is kept up for a while after its end",
        replaced(tidemark.aws.watches, "GRACE_SECONDS", lambda _: 0),
        races.a_slow_subscriber_renews_a_watch_at_its_end,
        STALE_VIEWER,
    ),
    Guard(
        "a connection that fails is closed before it is forgotten",
        replaced(Broadcast, "_drop", removals.lease_before_socket),
        races.a_push_dies_while_it_drops_a_connection,
        STALE_VIEWER,
    ),
    # 8. Tenants
    Guard(
        "a credential opens its own workspace only",
        replaced(tidemark.services.authenticate, "require", removals.no_requirement),
        races.a_token_of_another_workspace,
        "opened another workspace",
    ),
    Guard(
        "a token is judged again with every message",
        replaced(tidemark.websocket, "principal_of", removals.never_expired),
        races.a_token_that_has_expired,
        "an expired token still reads",
    ),
]

each_guard = guards.each(GUARDS)


@each_guard
def test_with_its_guards_the_system_passes(stack: Stack, guard: Guard) -> None:
    guards.check_passes(stack, guard)


@each_guard
def test_without_the_guard_a_check_fails(stack: Stack, guard: Guard) -> None:
    guards.check_needed(stack, guard)
