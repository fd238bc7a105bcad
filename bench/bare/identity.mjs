// What a thread of bare piscina runs.
export default (value) => value;
