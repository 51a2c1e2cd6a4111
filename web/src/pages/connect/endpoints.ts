// Where telemetry goes, as the one who sends it has to write it.

import type { Listener, ListenerPurpose, Status } from "../../api/schema";

export interface Endpoints {
  http: string;
  otlpHttp: string;
  /** Empty where gRPC is off. */
  otlpGrpc: string;
  /** Whether the listener asks for a token. */
  token: { http: boolean; otlpHttp: boolean; otlpGrpc: boolean };
}

const bare = (url: string) => url.replace(/\/$/, "");
const isLoopback = (host: string) => host === "localhost" || host === "[::1]" || host.startsWith("127.");
const isEvery = (host: string) => host === "0.0.0.0" || host === "[::]";

/**
 * The external URL is where people reach the server; the other listeners are reached at its host, by their own port.
 * One that listens on loopback alone is out of reach from elsewhere: OTLP over HTTP then goes to the external URL, which
 * takes it as well.
 */
export function endpointsOf({ external_url, listeners }: Pick<Status, "external_url" | "listeners">): Endpoints {
  const find = (purpose: ListenerPurpose) => listeners.find((listener) => listener.purpose === purpose);
  const external = new URL(external_url);
  const reached = (listener: Listener) => {
    const url = new URL(listener.url);
    if (isEvery(url.hostname)) url.hostname = external.hostname;
    return isLoopback(url.hostname) && !isLoopback(external.hostname) ? undefined : bare(url.href);
  };
  const main = find("http");
  const http = bare(external_url);
  const otlpHttp = find("otlp_http");
  const otlpGrpc = find("otlp_grpc");
  const own = otlpHttp && reached(otlpHttp);
  return {
    http,
    otlpHttp: own ?? http,
    otlpGrpc: otlpGrpc ? (reached(otlpGrpc) ?? bare(otlpGrpc.url)) : "",
    token: {
      http: main?.token_required ?? false,
      otlpHttp: (own ? otlpHttp : main)?.token_required ?? false,
      otlpGrpc: otlpGrpc?.token_required ?? false,
    },
  };
}
