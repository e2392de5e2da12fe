"""The jobs of batches, in the items of the batches: in the Work table. The layout stands in docs/storage.md."""

from __future__ import annotations

from typing import Any

from tidemark.aws import clients
from tidemark.aws.batches import batch_of, dead_queue_of, key_of, queue_of
from tidemark.aws.items import decode, encode
from tidemark.domain.jobs import MAX_ATTEMPTS, Job, JobState, Lease, Move
from tidemark.services.job_ports import Change, JobKey, Listed, StoredJob, Written


class DynamoJobs:
    """The `JobStore` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def change(self, key: JobKey, move: Move, now_seconds: int, written: Written, lease: str | None = None) -> Change:
        """Make a change of state in one conditional write, if `move` allows it to the holder of `lease`.

        The item keeps the lease. So with one it may be repeated: it is done, too, if it was done before.
        """
        workspace, batch = key
        update, names, values = _update(workspace, move, written, lease)
        condition, of_condition = _condition(move, now_seconds, lease)
        try:
            answer = clients.dynamodb().update_item(
                TableName=self._table,
                Key=encode(key_of(workspace, batch)),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={**names, "#job": "job"},
                ExpressionAttributeValues=encode({**values, **of_condition}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except clients.condition_failed() as error:
            stored = _stored(workspace, clients.item_found(error))
            return Change(stored is not None and _was_done(stored.job, move, lease), stored)
        return Change(done=True, stored=_stored(workspace, answer["Attributes"]))


def _condition(move: Move, now_seconds: int, lease: str | None) -> tuple[str, dict[str, Any]]:
    """Return the condition that is `Move.allows`, and its values."""
    values: dict[str, Any] = {}
    terms = []
    for place, source in enumerate(sorted(move.sources)):
        values[f":source{place}"] = source.value
        term = f"#job = :source{place}"
        if source is JobState.RUNNING and move.lease is Lease.MINE:
            values[":mine"] = lease
            term = f"{term} AND lease = :mine"
        elif source is JobState.RUNNING and move.lease is Lease.OVER:
            values[":over"] = now_seconds
            term = f"{term} AND lease_until < :over"
        terms.append(term)
    condition = " OR ".join(terms)  # AND binds closer; parentheses that are not needed are refused
    if move.needs_attempt:
        values[":most"] = MAX_ATTEMPTS
        condition = f"({condition}) AND attempts < :most"
    return condition, values


def _update(
    workspace: str, move: Move, written: Written, lease: str | None
) -> tuple[str, dict[str, str], dict[str, Any]]:
    sets: dict[str, Any] = {**written.sets, "job": move.target.value}
    if lease is not None:
        sets["lease"] = lease
    removes = list(written.removes)
    match written.listed:
        case Listed.UNFINISHED:
            sets["queue"] = queue_of(workspace)
        case Listed.DEAD:
            sets["queue"] = dead_queue_of(workspace)
        case Listed.NOWHERE:
            removes += ["queue", "due_at"]
    values: dict[str, Any] = {f":{name}": value for name, value in sets.items()}
    assignments = [f"#{name} = :{name}" for name in sets]
    for name, value in written.defaults.items():
        assignments.append(f"#{name} = if_not_exists(#{name}, :{name})")
        values[f":{name}"] = value
    parts = [f"SET {', '.join(assignments)}"]
    if removes:
        parts.append(f"REMOVE {', '.join(f'#{name}' for name in removes)}")
    if written.counts:
        parts.append(f"ADD {', '.join(f'#{name} :one' for name in written.counts)}")
        values[":one"] = 1
    return " ".join(parts), {f"#{name}": name for name in (*sets, *written.defaults, *removes, *written.counts)}, values


def _was_done(job: Job, move: Move, lease: str | None) -> bool:
    return lease is not None and (job.state, job.lease) == (move.target, lease)


def _stored(workspace: str, attributes: Any) -> StoredJob | None:
    item = decode(attributes)
    if "job" not in item:  # there is no such batch, or it is open
        return None
    job = Job(JobState(item["job"]), item["attempts"], item.get("lease"), item.get("lease_until", 0))
    batch = batch_of(workspace, item)
    return StoredJob(job, batch, item.get("requested_at", batch.sealed_at))
