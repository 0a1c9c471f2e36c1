/**
 * How long the tasks of a page's main threads took, in CPU time: what other programs take is no part of it. Nor is a whole
 * collection of garbage: the heap is the workbench's too, which has most of it.
 */

export class Trace {
  static async begin(page) {
    const trace = new Trace();
    trace.events = [];
    trace.session = await page.context().newCDPSession(page);
    trace.session.on("Tracing.dataCollected", ({ value }) => trace.events.push(...value));
    await trace.session.send("Tracing.start", {
      categories: "toplevel,devtools.timeline,v8,__metadata",
      transferMode: "ReportEvents",
    });
    return trace;
  }

  /** Milliseconds of each task of the main threads, the shortest first. */
  async end() {
    const complete = new Promise((done) => this.session.once("Tracing.tracingComplete", done));
    await this.session.send("Tracing.end");
    await complete;
    await this.session.detach();
    const isMain = ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain";
    const mains = new Set(this.events.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
    const own = this.events.filter(({ pid, tid }) => mains.has(`${pid} ${tid}`));
    const collections = own.filter(({ name }) => name === "MajorGC");
    const within = (task) =>
      collections.filter(({ pid, ts }) => pid === task.pid && ts >= task.ts && ts < task.ts + task.dur);
    return own
      .filter(({ name }) => /RunTask$/.test(name))
      .map((task) => within(task).reduce((left, { tdur }) => left - tdur, task.tdur ?? 0) / 1000)
      .sort((one, other) => one - other);
  }
}
