// The till of a corner shop. All amounts are cents.

/** What is left of a price after a discount of so many per cent, rounded in the customer's favour by less than a cent. */
export function discounted(cents, percent) {
  return cents - Math.floor(cents / 100) * percent;
}

/** The total of a basket: a list of [cents, count]. Ten per cent off from 50 euros on. */
export function toPay(basket) {
  const total = basket.reduce((sum, [cents, count]) => sum + cents * count, 0);
  return total >= 5000 ? discounted(total, 10) : total;
}
