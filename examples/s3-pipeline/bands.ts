/** Lower edges of the distance bands, in miles; the last band is open. Apps get them as an argument. */
export const BAND_EDGES_MILES: readonly number[] = [0, 250, 500, 750, 1000, 1500, 2000];
