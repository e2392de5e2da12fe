import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../client/src/index.ts";
import type { Problem } from "./problem.ts";

/** Why the token is not accepted; it stays while the client tries again, until a connection opens. */
export function useRefusal(client: Client | undefined): Problem | undefined {
  const [refusal, setRefusal] = useState<Problem>();
  useEffect(() => {
    setRefusal(undefined);
    return client?.connection.subscribe(({ status, error }) => {
      if (status === "refused") setRefusal(error);
      if (status === "open") setRefusal(undefined);
    });
  }, [client]);
  return refusal;
}
