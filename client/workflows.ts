/** The workflows behind the operations, as an engineer sees them: their logs, and what to do with one that is stuck. */
import {
  type Workflow,
  type WorkflowLogEntry,
  WorkflowServiceService as methods,
  type WorkflowState,
} from '../proto/gen/lockstep/v1/workflow_service.ts';
import type { CallSettings } from './calls.ts';
import { Listing, PAGE_SIZE } from './listing.ts';
import { workflowName } from './resource-names.ts';
import type { Transport } from './transport.ts';

export interface ListWorkflows extends CallSettings {
  /** `databases/{database}` or `hosts/{host}`; absent: of all. */
  readonly target?: string;
  /** Absent: in any state. */
  readonly states?: readonly WorkflowState[];
}

/** A name is `workflows/{id}`, `operations/{id}` or the id. */
export class Workflows {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(name: string, settings: CallSettings = {}): Promise<Workflow> {
    return this.#transport.repeated(methods.getWorkflow, { name: workflowName(name) }, settings);
  }

  /** Newest first. */
  list({ target = '', states = [], ...settings }: ListWorkflows = {}): Listing<Workflow> {
    return new Listing(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken, target, states: [...states] };
      const answer = await this.#transport.repeated(methods.listWorkflows, request, settings);
      return { items: answer.workflows, nextPageToken: answer.nextPageToken };
    });
  }

  /** The log as it is written, oldest first: one entry before each act, and one after. */
  log(name: string, settings: CallSettings = {}): Listing<WorkflowLogEntry> {
    return new Listing(async (pageToken) => {
      const request = { parent: workflowName(name), pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#transport.repeated(methods.listWorkflowLog, request, settings);
      return { items: answer.entries, nextPageToken: answer.nextPageToken };
    });
  }

  /** Has one that waits for a person go on from where it stopped. Never tried again by itself. */
  retry(name: string, settings: CallSettings = {}): Promise<Workflow> {
    return this.#transport.once(methods.retryWorkflow, { name: workflowName(name) }, settings);
  }

  /**
   * Ends one that waits for a person as it is. `acceptHalfDone`: the caller knows that what it did stays half done.
   * Never tried again by itself.
   */
  abandon(
    name: string,
    { acceptHalfDone, ...settings }: CallSettings & { readonly acceptHalfDone: boolean },
  ): Promise<Workflow> {
    const request = { name: workflowName(name), acceptHalfDone };
    return this.#transport.once(methods.abandonWorkflow, request, settings);
  }
}
