// Addresses and routes that an interface carries, as text. (simulator)

export interface CarriedThings {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
}

export class Carried implements CarriedThings {
  addresses: readonly string[] = [];
  routes: readonly string[] = [];

  /** None is there twice. */
  add({ addresses, routes }: CarriedThings): void {
    this.addresses = Array.from(new Set([...this.addresses, ...addresses]));
    this.routes = Array.from(new Set([...this.routes, ...routes]));
  }

  remove({ addresses, routes }: CarriedThings): void {
    this.addresses = this.addresses.filter(each => !addresses.includes(each));
    this.routes = this.routes.filter(each => !routes.includes(each));
  }
}
