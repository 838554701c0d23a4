/**
 * Shows an operation's tasks as they happen: on a terminal as a list that redraws itself, else a line for each change.
 */
import {
  Listr,
  type ListrTask,
  type ListrTaskWrapper,
  type DefaultRenderer,
  type SimpleRenderer,
} from 'listr2';
import { type Task, TaskState } from '../../proto/gen/lockstep/v1/database_service.ts';
import type { Operation } from '../operations.ts';
import { durationOf, isActive, isDone, isUndo, progressLines, titleOf } from './render-operation.ts';
import { printable } from './text.ts';

export interface Progress {
  update(operation: Operation): void;
  /** Leaves the screen as it is, whatever state the operation is in; resolves when nothing more is drawn. */
  end(): Promise<void>;
}

/** A terminal that does not know its width says 0: what redraws itself would break every word there. */
const MIN_COLUMNS = 40;

/** `interactive` false: lines, also where there is a terminal. */
export function showProgress(stream: NodeJS.WriteStream, interactive = true): Progress {
  return stream.isTTY && stream.columns >= MIN_COLUMNS && interactive
    ? new LiveProgress(stream)
    : new LineProgress(stream);
}

class LineProgress implements Progress {
  readonly #stream: NodeJS.WritableStream;
  #shown: readonly Task[] = [];

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  update(operation: Operation): void {
    const { tasks } = operation.metadata;
    for (const line of progressLines(this.#shown, tasks)) this.#stream.write(`${line}\n`);
    this.#shown = tasks;
  }

  /** What was shown in another way. */
  skipTo(tasks: readonly Task[]): void {
    this.#shown = tasks;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** The list shows the way forward; when a task fails it stops there, and what is undone follows as lines. */
class LiveProgress implements Progress {
  readonly #lines: LineProgress;
  #tasks: readonly Task[] = [];
  #run: Promise<void> | undefined;
  #current: { readonly index: number; readonly wrapper: Wrapper; readonly settle: Settle } | undefined;
  #closed = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#lines = new LineProgress(stream);
  }

  update(operation: Operation): void {
    const { tasks } = operation.metadata;
    if (tasks.length === 0) return;
    this.#tasks = tasks;
    if (this.#closed) {
      this.#lines.update(operation);
      return;
    }
    this.#lines.skipTo(tasks);
    this.#run ??= this.#start(tasks);
    this.#drive();
  }

  async end(): Promise<void> {
    // The list starts its next task in a later turn: one that will end by itself is let to its end.
    if (!this.#tasks.every(isDone) && !this.#tasks.some(hasFailed)) {
      this.#current?.settle.fail();
      this.#current = undefined;
      this.#closed = true;
    }
    await this.#run;
    this.#closed = true;
  }

  #start(tasks: readonly Task[]): Promise<void> {
    const list = new Listr(
      tasks.map((task, index) => this.#listed(task, index)),
      {
        concurrent: false,
        exitOnError: true,
        registerSignalListeners: false,
        rendererOptions: { lazy: false, showErrorMessage: false },
      },
    );
    return list.run().then(
      () => undefined,
      // What failed is the operation's to say, by its outcome.
      () => undefined,
    );
  }

  #listed(task: Task, index: number): ListrTask<unknown, typeof DefaultRenderer, typeof SimpleRenderer> {
    return {
      title: printable(titleOf(task)),
      task: async (_context, wrapper) => {
        if (this.#closed) throw new Error('no longer shown');
        const settle = new Settle();
        this.#current = { index, wrapper, settle };
        this.#drive();
        await settle.promise;
      },
    };
  }

  /** Brings the task that the list is at up to what the operation says of it. */
  #drive(): void {
    const { index, wrapper, settle } = this.#current ?? {};
    const task = index === undefined ? undefined : this.#tasks[index];
    if (task === undefined || wrapper === undefined || settle === undefined) return;
    const title = printable(titleOf(task));
    if (task.state === TaskState.TASK_STATE_DONE) {
      wrapper.title = `${title}${durationOf(task)}`;
      this.#current = undefined;
      settle.succeed();
    } else if (this.#tasks.some(isUndo) || hasFailed(task)) {
      wrapper.title = `${title}${task.error === '' ? '' : `: ${printable(task.error)}`}`;
      this.#current = undefined;
      this.#closed = true;
      settle.fail();
    } else if (isActive(task.state)) {
      wrapper.title = task.attempts > 1 ? `${title} (attempt ${String(task.attempts)})` : title;
      const percent = task.percent > 0 ? `${String(task.percent)} %  ` : '';
      const output = `${percent}${printable(task.progress)}`;
      if (output !== '') wrapper.output = output;
    }
  }
}

class Settle {
  readonly promise: Promise<void>;
  readonly succeed: () => void;
  readonly fail: () => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.promise = promise;
    this.succeed = () => {
      resolve();
    };
    this.fail = () => {
      reject(new Error('failed'));
    };
  }
}

function hasFailed(task: Task): boolean {
  return task.state === TaskState.TASK_STATE_FAILED || isUndo(task);
}
