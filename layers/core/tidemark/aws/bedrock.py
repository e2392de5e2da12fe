"""The provider that asks a language model: Amazon Bedrock's Converse API, with one tool whose input is the answer.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; `toolChoice: any` has the model call
the tool, as Claude, Nova and Mistral Large do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidemark.aws import clients
from tidemark.domain.answers import INSTRUCTIONS, PURPOSE, SCHEMA, TOOL, read_answer
from tidemark.domain.briefing import brief
from tidemark.domain.findings import Observed
from tidemark.domain.insights import Insight, InvalidInsight
from tidemark.services.analysis_ports import BatchContext, ProviderRefused, ProviderUnavailable

MAX_TOKENS = 1_000
"""Of an answer: six patterns of 40 words and their figures take 700. What is cut off there is no answer."""
TEMPERATURE = 0.0


class BedrockProvider:
    """Has a model explain the figures of a batch.

    Parameters
    ----------
    model
        The id of a model, or of an inference profile, in the account's region.
    prices
        Dollars per million tokens of input and of output.
    metered
        Takes in what an answer took, be it valid or not: the model, tokens of input and of output, dollars.
    """

    def __init__(
        self, model: str, prices: tuple[float, float], metered: Callable[[str, int, int, float], None]
    ) -> None:
        self._model = model
        self._prices = prices
        self._metered = metered

    def analyse(self, context: BatchContext) -> Insight:
        """Return what the model says of a batch.

        Raises `ProviderUnavailable` if it does not answer, and `ProviderRefused` if its answer does not hold.
        """
        observed = Observed(context.cell, context.so_far, context.elapsed)
        number, place = len(context.events), (context.hour, context.timezone)
        briefing = brief(context.dashboards, context.usual, observed, number, *place)
        answered = self._converse(briefing.prompt)
        times = [event["timestamp"] for event in context.events]
        try:
            answer = read_answer(_tool_input(answered), briefing)
            return Insight(
                summary=answer.summary,
                confidence=answer.confidence,
                patterns=answer.patterns,
                recommendations=answer.recommendations,
                provider="bedrock",
                model=self._model,
                first_event_at=min(times),
                last_event_at=max(times),
                events=number,
            ).fitting()
        except InvalidInsight as error:
            raise ProviderRefused(f"the model's answer does not hold: {error.message}", field=error.field) from error

    def _converse(self, prompt: str) -> Mapping[str, Any]:
        try:
            answered: Mapping[str, Any] = clients.bedrock().converse(
                modelId=self._model,
                system=[{"text": INSTRUCTIONS}],
                messages=[{"role": "user", "content": [{"text": prompt}]}],
                inferenceConfig={"maxTokens": MAX_TOKENS, "temperature": TEMPERATURE},
                toolConfig={
                    "tools": [{"toolSpec": {"name": TOOL, "description": PURPOSE, "inputSchema": {"json": SCHEMA}}}],
                    "toolChoice": {"any": {}},
                },
            )
        except ClientError as error:
            # Also a model that is not enabled, or not there: nothing but its owner's hand mends it, and until then jobs
            # had better wait behind the breaker than fail for good one after another.
            code = error.response.get("Error", {}).get("Code", "an error")
            raise ProviderUnavailable(f"Bedrock answered {code}") from error
        except BotoCoreError as error:
            raise ProviderUnavailable(f"Bedrock did not answer: {type(error).__name__}") from error
        self._meter(answered)
        return answered

    def _meter(self, answered: Mapping[str, Any]) -> None:
        usage = answered.get("usage", {})
        tokens = usage.get("inputTokens", 0), usage.get("outputTokens", 0)
        dollars = sum(number * price for number, price in zip(tokens, self._prices, strict=True)) / 1e6
        self._metered(self._model, *tokens, dollars)


def _tool_input(answered: Mapping[str, Any]) -> Any:
    """Return the input of the tool that the model called; raises `InvalidInsight` if it called none."""
    reason = answered.get("stopReason")
    if reason != "tool_use":
        raise InvalidInsight(f"it stopped for {reason}", field="stopReason")
    content = answered.get("output", {}).get("message", {}).get("content", [])
    calls = [block["toolUse"] for block in content if "toolUse" in block]
    if len(calls) != 1 or calls[0].get("name") != TOOL:
        raise InvalidInsight("it did not call the tool once", field="toolUse")
    return calls[0].get("input")
