/** The messages to the user that the pages act for, kept until they are acknowledged. */
import type { Json } from "./documents.ts";
import type { FakeSocket } from "./socket.ts";

export class Inbox {
  /** What is not acknowledged, by id. */
  readonly pending = new Map<string, Json>();
  #seq = 0;

  /** Keep a message, and return it. */
  put(thread?: string): Json {
    const seq = ++this.#seq;
    const message = {
      type: "message",
      message_id: `m${seq}`,
      seq,
      ...(thread && { thread }),
      body: { seq },
      sent_at: "2026-11-22T10:00:00Z",
    };
    this.pending.set(message.message_id, message);
    return message;
  }

  *answers(socket: FakeSocket, { action, thread, messages }: Json): Generator<Json> {
    if (action === "acknowledge") {
      for (const id of messages) this.pending.delete(id);
      yield { type: "acknowledged", messages };
    } else {
      socket.isListening = true;
      yield { type: "listening", thread, pending: this.pending.size };
      yield* [...this.pending.values()];
    }
  }
}
