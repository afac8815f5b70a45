// Answers the requests of one connection one at a time. Node hands over every request that a client has pipelined at once, so that
// 60 KB of requests which nobody means to read the answers of would hold a thousand answers in memory (RFC 9112 §9.3.2).
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Requests that may wait behind the one that is being answered; a client that sends more is cut off. */
  readonly maxWaiting: number;
  /** Milliseconds from the beginning of a request's handling until its answer is with the operating system, whole. */
  readonly answerMs: number;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** The listener, given one request of a connection after the other: the next one begins when the answer before has left. */
export function oneAtATime(listener: RequestListener, limits: ConnectionLimits): RequestListener {
  const waiting = new WeakMap<Socket, Exchange[]>();

  function answer({ incoming, outgoing }: Exchange, queue: Exchange[]): void {
    const { socket } = incoming;
    const timer = setTimeout(() => socket.destroy(), limits.answerMs);
    outgoing.once("close", () => {
      clearTimeout(timer);
      const next = socket.destroyed ? undefined : queue.shift();
      if (next === undefined) waiting.delete(socket);
      else answer(next, queue);
    });
    listener(incoming, outgoing as Parameters<RequestListener>[1]);
  }

  return function oneAtATime(incoming, outgoing) {
    const { socket } = incoming;
    if (socket.destroyed) return;
    const queue = waiting.get(socket);
    if (queue !== undefined && queue.length >= limits.maxWaiting) socket.destroy();
    else if (queue !== undefined) queue.push({ incoming, outgoing });
    else {
      const begun: Exchange[] = [];
      waiting.set(socket, begun);
      answer({ incoming, outgoing }, begun);
    }
  };
}
