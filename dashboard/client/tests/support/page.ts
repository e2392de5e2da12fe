/** A page at a server that behaves, for tests of one thing at a time. */
import type * as Sdk from "../../src/index.ts";
import { connect } from "../../src/index.ts";
import { AdversarialServer } from "./adversary.ts";
import { Browser } from "./browser.ts";
import { Chance } from "./chance.ts";
import { Clock } from "./clock.ts";

export const VIEW = { dashboard: "web", days: 30 };

export class Setup {
  readonly clock = new Clock();
  readonly chance = new Chance(7);
  readonly server = new AdversarialServer(this.clock, this.chance);
  readonly browser = new Browser(this.server, this.clock, this.chance, connect);
  /** Every state of the connection. */
  readonly statuses: string[] = [];

  open(options: Partial<Sdk.Options> = {}): Sdk.Client {
    const { client } = this.browser.page(options);
    client.connection.subscribe(({ status }) => this.statuses.push(status));
    return client;
  }

  /** What a promise brings, for which time has to pass. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    while (!isSettled) await this.clock.advance(20);
    return promise;
  }

  /** The view's states from now on. */
  states(client: Sdk.Client, view: Sdk.View = VIEW): Sdk.ViewState[] {
    const states: Sdk.ViewState[] = [];
    client.view(view).subscribe((state) => states.push(state));
    return states;
  }
}

export const last = <T>(items: readonly T[]): T => items[items.length - 1] as T;
