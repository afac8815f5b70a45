// Sends requests through the proxy that the environment names. Node's fetch does so from 22.21 and 24.5 on, when it is started with
// NODE_USE_ENV_PROXY=1, and where it can be told later (24.14), it is told here.
const VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
/** Nobody means a proxy for his own machine; Go leaves these out, too (golang.org/x/net/http/httpproxy). */
const OWN_MACHINE = "localhost,127.0.0.1,[::1]";

type Environment = Readonly<NodeJS.ProcessEnv>;
type SetProxy = (environment: NodeJS.ProcessEnv) => unknown;

/**
 * A fetch that uses HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or says why it does not: where a proxy is meant, going around it mostly ends in a
 * timeout, which says nothing.
 */
export function proxyingFetch(
  environment: Environment,
  warn: (text: string) => void,
  given?: SetProxy | null,
): typeof fetch {
  const named = VARIABLES.find((variable) => (environment[variable] ?? "") !== "");
  if (named === undefined || environment.NODE_USE_ENV_PROXY === "1") return globalThis.fetch;
  let prepared = false;
  const prepare = () => {
    prepared = true;
    const setProxy = given === undefined ? ofNode() : given;
    if (setProxy !== null) setProxy(withOwnMachine(environment));
    else
      warn(
        `WARNING: ${named} is not used: Node ${process.versions.node} cannot be told so by a program. With Node 22.21, 24.5 or newer set NODE_USE_ENV_PROXY=1, too`,
      );
  };
  return (input, init) => {
    if (!prepared) prepare();
    return globalThis.fetch(input, init);
  };
}

function withOwnMachine(environment: Environment): NodeJS.ProcessEnv {
  const besides = environment.no_proxy ?? environment.NO_PROXY;
  const list = besides === undefined || besides === "" ? OWN_MACHINE : `${besides},${OWN_MACHINE}`;
  return { ...environment, no_proxy: list, NO_PROXY: list };
}

/** Loaded when it is needed: few commands ask anybody. */
function ofNode(): SetProxy | null {
  const http: object = process.getBuiltinModule("node:http");
  return "setGlobalProxyFromEnv" in http ? (http.setGlobalProxyFromEnv as SetProxy) : null;
}
