// What a thread of bare piscina runs.
export default (task) => {
  if (task?.spinMs !== undefined) {
    for (const endMs = performance.now() + task.spinMs; performance.now() < endMs; );
    return 0;
  }
  if (task?.sleepMs !== undefined) return new Promise((resolve) => setTimeout(resolve, task.sleepMs, 0));
  return task;
};
