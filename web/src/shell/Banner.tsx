// What is wrong with Evenkeel itself, above every page: a broken journal, its own health, a server that does not answer.

import { useQuery } from "@tanstack/react-query";
import { statusQuery } from "../api/queries";
import { Command, cx } from "../ui/basics";
import { Icon } from "../ui/icons";
import { Time } from "../ui/time";
import { signInUrl, useSignedOut } from "./session";
import css from "./shell.module.css";

export function Banner() {
  const { data, error, dataUpdatedAt } = useQuery(statusQuery);
  const signedOut = useSignedOut();
  const broken = data?.journal.broken;
  return (
    <>
      {signedOut && (
        <div className={cx(css.banner, css.critical)} role="alert">
          <p>
            <Icon name="incident" />
            <span>
              Your session has ended. <a href={signInUrl()}>Sign in</a>; copy first what you have written.
            </span>
          </p>
        </div>
      )}
      {error && !signedOut && (
        <div className={cx(css.banner, css.critical)} role="alert">
          <p>
            <Icon name="incident" />
            <span>
              {error.message} {dataUpdatedAt > 0 && <>What you see is from <Time at={new Date(dataUpdatedAt).toISOString()} />.</>}
            </span>
          </p>
        </div>
      )}
      {broken && (
        <div className={cx(css.banner, css.critical)} role="alert">
          <p>
            <Icon name="incident" />
            <span>
              The journal is broken at record {broken.seq}: {broken.reason}. Paging goes on from the verified records; gates are inconclusive and actions are refused.
            </span>
          </p>
          <Command text={`evenkeel journal verify && evenkeel journal accept-break --seq ${broken.seq} --reason '…'`} />
        </div>
      )}
      {data?.troubles
        .filter((trouble) => !(broken && trouble.component === "journal"))
        .map((trouble) => (
          <div key={trouble.component + trouble.message} className={cx(css.banner, trouble.level === "critical" && css.critical)} role="status">
            <p>
              <Icon name="incident" />
              <span>
                Evenkeel’s {trouble.component}: {trouble.message}
                {trouble.since && (
                  <>
                    {" "}
                    (since <Time at={trouble.since} />)
                  </>
                )}
              </span>
            </p>
            {trouble.command && <Command text={trouble.command} />}
          </div>
        ))}
    </>
  );
}
