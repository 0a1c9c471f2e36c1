"""The till of a corner shop. All amounts are cents."""


def discounted(cents, percent):
    """What is left after a discount of so many per cent, rounded in the customer's favour by less than a cent."""
    return cents - cents // 100 * percent


def to_pay(basket):
    """The total of a basket: a list of (cents, count). Ten per cent off from 50 euros on."""
    total = sum(cents * count for cents, count in basket)
    return discounted(total, 10) if total >= 5000 else total
