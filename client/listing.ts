/** Lists of any length: pages are fetched as a loop over them needs them. */

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Of the next page; empty: this was the last. */
  readonly nextPageToken: string;
}

/** Ends a walk over pages whose server never stops handing out tokens. */
const MAX_PAGES = 10_000;
export const PAGE_SIZE = 200;

/**
 * `for await (const database of client.databases.list())` asks for one page at a time, and stops asking when the loop
 * ends; `await client.databases.list()` is everything as an array. Nothing is asked before one of the two is done, and
 * each loop asks anew.
 */
export class Listing<Item> implements AsyncIterable<Item>, PromiseLike<readonly Item[]> {
  readonly #fetch: (pageToken: string) => Promise<Page<Item>>;
  readonly #limit: number;

  /** At most `limit` items are handed out. */
  constructor(fetch: (pageToken: string) => Promise<Page<Item>>, limit = Infinity) {
    this.#fetch = fetch;
    this.#limit = limit;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    let left = this.#limit;
    for await (const items of this.pages())
      for (const item of items) {
        if (left <= 0) return;
        left -= 1;
        yield item;
        if (left <= 0) return;
      }
  }

  /** Page by page, as the server cuts them; `limit` is not applied. */
  async *pages(): AsyncGenerator<readonly Item[], void> {
    let pageToken = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { items, nextPageToken } = await this.#fetch(pageToken);
      yield items;
      if (nextPageToken === '') return;
      pageToken = nextPageToken;
    }
  }

  /** Everything, as an array. */
  async all(): Promise<readonly Item[]> {
    const found: Item[] = [];
    for await (const item of this) found.push(item);
    return found;
  }

  then<Fulfilled = readonly Item[], Rejected = never>(
    onFulfilled?: ((items: readonly Item[]) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.all().then(onFulfilled, onRejected);
  }
}
