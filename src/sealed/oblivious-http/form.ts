// Names the two forms of sealed messages: whole (RFC 9458), and in chunks, of which each can be opened as it arrives
// (draft-ietf-ohai-chunked-ohttp-08).

export type Form = "whole" | "chunked";

/** Labels of the keys, and types of the bodies. */
export const FORMS = {
  whole: {
    requestLabel: "message/bhttp request",
    responseLabel: "message/bhttp response",
    requestType: "message/ohttp-req",
    responseType: "message/ohttp-res",
  },
  chunked: {
    requestLabel: "message/bhttp chunked request",
    responseLabel: "message/bhttp chunked response",
    requestType: "message/ohttp-chunked-req",
    responseType: "message/ohttp-chunked-res",
  },
} as const satisfies Record<Form, unknown>;

/** Whether a Content-Type names a type; none of these types has parameters that matter. */
export function isType(contentType: string | null, type: string): boolean {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() === type;
}
