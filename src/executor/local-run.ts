import { AppError } from '../core/errors.ts';
import { type BatchSize, batchIn, boundBatch, halvedBatch, reducedBatch, unmeasuredBatch } from '../plan/batch-size.ts';
import type { FromWorker, ToWorker } from '../worker/protocol.ts';
import type { ExecutionOptions, ExecutorEvent, Slot } from './contract.ts';
import { type EarlyWorker, isSamePin, type LocalOptions } from './early-worker.ts';
import { EventQueue } from './event-queue.ts';
import { nextAttempt } from './next-attempt.ts';
import { diedStarting, doneEvent, endAll, type Post, postFor, readyEvent, startMessage } from './post.ts';
import { Rounds } from './rounds.ts';
import { type Assignment, ShardQueue } from './shard-queue.ts';
import { StartRetries } from './start-retries.ts';
import { Watchdog } from './watchdog.ts';
import { fromWire, type WorkerDeath, WorkerProcess } from './worker-process.ts';

/** How long a cancelled worker has to finish its batch. Whoever stops services waits ten seconds or more. */
const graceMs = 8_000;

/** The shards of one run on their way through the workers. */
export class LocalRun {
  readonly #local: LocalOptions;
  readonly #options: ExecutionOptions;
  readonly #queue = new EventQueue<ExecutorEvent>();
  readonly #shards = new ShardQueue([]);
  readonly #rounds: Rounds;
  readonly #posts: Post[] = [];
  readonly #watchdog = new Watchdog();
  readonly #starts: StartRetries;
  #batch: BatchSize | undefined;
  #isMeasuring = false;
  #unfinished: number;
  #givenUp = 0;
  #startError: AppError | undefined;

  constructor(local: LocalOptions, options: ExecutionOptions, early: EarlyWorker | undefined) {
    this.#local = local;
    this.#options = options;
    this.#starts = new StartRetries(options.retry, Math.random);
    this.#rounds = new Rounds(options);
    this.#beginRound();
    this.#unfinished = options.shards.length;
    if (this.#unfinished === 0) {
      this.#queue.close();
      return;
    }
    for (const slot of options.slots.slice(0, this.#unfinished))
      this.#post(slot, isSamePin(slot, early?.process.slot) ? early : undefined);
    options.signal.addEventListener('abort', () => this.#cancel(), { once: true });
    if (options.signal.aborted) this.#cancel();
  }

  events(): AsyncIterable<ExecutorEvent> {
    return this.#queue;
  }

  async stop(): Promise<void> {
    this.#shards.close();
    this.#starts.close();
    const processes = this.#posts.map((post) => post.process);
    // Every shard has its commit: nothing is left that a worker could finish, and unloading its libraries takes time.
    await endAll(processes, this.#unfinished === 0 ? 0 : graceMs);
    this.#watchdog[Symbol.dispose]();
  }

  #post(slot: Slot, early: EarlyWorker | undefined): void {
    const receive = (message: FromWorker) => this.#receive(post, message);
    const process = early?.adopt(receive) ?? new WorkerProcess({ ...this.#local, slot }, receive);
    const batch = unmeasuredBatch(this.#options.plan);
    const post: Post = { slot, process, state: 'starting', assignment: undefined, batch };
    this.#posts.push(post);
    this.#start(post);
  }

  #start(post: Post): void {
    post.state = 'starting';
    post.process.send(startMessage(this.#options, post.slot));
    const { process } = post;
    process.ended.then(
      (end) => {
        if (end.type === 'died') this.#lost(post, process, end);
      },
      (error: unknown) => this.#queue.fail(error),
    );
  }

  #receive(post: Post, message: FromWorker): void {
    switch (message.type) {
      case 'alive':
        return;
      case 'ready':
        post.state = 'idle';
        this.#starts.succeeded(post.slot.index);
        this.#queue.push(readyEvent(message, post));
        if (this.#options.rounds === undefined) this.#assign(post);
        else this.#assignAll();
        return;
      case 'measured':
        this.#measured(post, batchIn(message));
        return;
      case 'reduced':
        post.batch = batchIn(message);
        return;
      case 'progress':
        this.#queue.push({ type: 'shard-progress', shard: message.shard, rows: message.rows, slot: post.slot });
        return;
      case 'done':
        post.assignment = undefined;
        this.#rest(post);
        this.#queue.push(doneEvent(message, post.slot));
        this.#remember(batchIn(message.commit));
        if (this.#finishOne()) return;
        this.#recycleOrAssign(post, message.rssBytes);
        return;
      case 'failed':
        this.#failed(post, fromWire(message.error));
        return;
    }
  }

  #measured(post: Post, batch: BatchSize): void {
    this.#batch = batch;
    if (post.state === 'measuring') this.#rest(post);
    this.#queue.push({ type: 'batch-measured', ...batch });
    this.#assignAll();
  }

  /** Memory that was too short once will be again. */
  #remember(batch: BatchSize): void {
    const reduced = this.#batch && reducedBatch(this.#batch, batch);
    if (reduced === undefined) return;
    this.#batch = reduced;
    this.#queue.push({ type: 'batch-reduced', ...reduced });
  }

  #rest(post: Post): void {
    post.process.rest();
    post.state = 'idle';
  }

  #assignAll(): void {
    for (const post of this.#posts) this.#assign(post);
  }

  #assign(post: Post): void {
    if (post.state !== 'idle' || this.#options.signal.aborted) return;
    if (this.#options.rounds !== undefined && this.#posts.some(({ state }) => state === 'starting')) return;
    const next = this.#shards.nextFor(post.slot.index);
    if (next === undefined) return;
    this.#give(postFor(next, post, this.#posts), next);
  }

  #give(post: Post, next: Assignment): void {
    if (this.#batch === undefined) {
      if (this.#isMeasuring) return;
      this.#isMeasuring = true;
      post.state = 'measuring';
      this.#sendWork(post, { type: 'measure', shard: next.shard });
      return;
    }
    this.#shards.take(next);
    post.assignment = next;
    post.state = 'scoring';
    post.batch = this.#batch;
    const { shard, attempt, failedAttempts, giveUp } = next;
    this.#queue.push({ type: 'shard-started', shard, attempt, slot: post.slot });
    this.#sendWork(post, { type: 'score', shard, attempt, failedAttempts, giveUp, ...this.#batch });
  }

  #sendWork({ process }: Post, message: ToWorker): void {
    process.work(this.#options.batchTimeoutMs);
    process.send(message);
    // Not before: starting the watchdog takes a moment, which the worker uses.
    this.#watchdog.watch(process);
  }

  #recycleOrAssign(post: Post, rssBytes: number): void {
    const limit = this.#options.maxWorkerMemoryBytes;
    if (limit === undefined || rssBytes <= limit) {
      this.#assign(post);
      return;
    }
    this.#queue.push({ type: 'worker-recycled', slot: post.slot, rssBytes });
    post.process.stop();
    this.#respawn(post);
  }

  #respawn(post: Post): void {
    post.process = new WorkerProcess({ ...this.#local, slot: post.slot }, (message) => this.#receive(post, message));
    this.#start(post);
  }

  #failed(post: Post, error: AppError | Error): void {
    if (!(error instanceof AppError)) {
      this.#queue.fail(error);
      return;
    }
    if (post.state === 'starting') {
      post.process.stop();
      this.#dropped(post, error);
      return;
    }
    const wasMeasuring = post.state === 'measuring';
    this.#rest(post);
    this.#settle(post, error);
    if (error.code === 'OUT_OF_MEMORY') this.#renew(post);
    if (wasMeasuring) this.#measured(post, unmeasuredBatch(this.#options.plan));
    else this.#assign(post);
  }

  /**
   * The session's arenas never shrink: only the end of its process gives their memory back, so it ends before the next
   * one comes. Batches are halved, unless the model fixes their size or one row alone was too much.
   */
  #renew(post: Post): void {
    const { plan, signal } = this.#options;
    if (this.#unfinished === 0 || signal.aborted) return;
    const half = halvedBatch(post.batch);
    if (plan.fixedBatchRows === undefined && half !== undefined) this.#remember(half);
    post.process.kill();
    this.#respawn(post);
  }

  #lost(post: Post, process: WorkerProcess, { error, bySignal }: WorkerDeath): void {
    if (post.process !== process) return;
    const wasStarting = post.state === 'starting';
    // A signal to the whole process group may reach a worker that just began to start.
    if (!this.#options.signal.aborted) this.#queue.push({ type: 'worker-lost', slot: post.slot, error });
    this.#settle(post, error);
    if (this.#unfinished === 0 || this.#options.signal.aborted) return;
    if (wasStarting) {
      // A program that says why it ended will say it again; what killed one may have passed.
      if (bySignal && this.#starts.killed(post.slot.index, () => this.#respawn(post))) post.state = 'waiting';
      else this.#dropped(post, diedStarting(post.slot, error));
      return;
    }
    const wasMeasuring = post.state === 'measuring';
    this.#respawn(post);
    if (wasMeasuring) this.#measured(post, unmeasuredBatch(this.#options.plan));
  }

  /** A slot whose worker cannot start is left out; when none is left the run cannot go on. */
  #dropped(post: Post, error: AppError): void {
    post.state = 'gone';
    this.#startError ??= error;
    if (this.#posts.every(({ state }) => state === 'gone')) {
      this.#queue.fail(this.#startError);
      return;
    }
    this.#shards.leaveOut(post.slot.index);
    this.#assignAll();
  }

  #settle(post: Post, error: AppError): void {
    const { assignment } = post;
    post.assignment = undefined;
    if (assignment === undefined) return;
    const { retry, signal, maxFailedShards } = this.#options;
    const { willRetry, retryAfterMs, next } = nextAttempt(
      { assignment, error, slot: post.slot.index },
      { retry, mayGiveUp: this.#givenUp < maxFailedShards, isStopping: signal.aborted, random: Math.random() },
    );
    const { shard, attempt } = assignment;
    this.#queue.push({ type: 'shard-failed', shard, attempt, willRetry, retryAfterMs, error, slot: post.slot });
    if (next === undefined) {
      this.#finishOne();
      return;
    }
    if (next.giveUp) this.#givenUp++;
    this.#shards.retryAfter(retryAfterMs ?? 0, next, () => this.#assignAll());
  }

  #finishOne(): boolean {
    this.#unfinished--;
    this.#rounds.finishOne();
    if (this.#unfinished === 0) this.#queue.close();
    else if (this.#beginRound()) this.#assignAll();
    return this.#unfinished === 0;
  }

  #beginRound(): boolean {
    const round = this.#rounds.next();
    if (round === undefined) return false;
    this.#batch = boundBatch(this.#options.plan, round.batch) ?? this.#batch;
    this.#shards.add(round.shards);
    return true;
  }

  /** Workers finish their batch; shards that nobody began are dropped. */
  #cancel(): void {
    this.#shards.close();
    this.#starts.close();
    for (const post of this.#posts) post.process.send({ type: 'cancel' });
    setTimeout(() => {
      for (const post of this.#posts) post.process.kill();
      this.#queue.close();
    }, graceMs).unref();
    this.#unfinished = this.#posts.filter((post) => post.assignment !== undefined).length;
    if (this.#unfinished === 0) this.#queue.close();
  }
}
