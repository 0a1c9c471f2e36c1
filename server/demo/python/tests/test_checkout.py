import time
import unittest

from till import discounted, to_pay


def card_terminal():
    time.sleep(2)


class Discount(unittest.TestCase):
    def test_counts_every_cent(self):
        # Ten per cent of 9.99 are 99 cents.
        self.assertEqual(discounted(999, 10), 900)

    def test_of_nothing_changes_nothing(self):
        card_terminal()
        self.assertEqual(discounted(1234, 0), 1234)


class Till(unittest.TestCase):
    def test_empty_basket_costs_nothing(self):
        self.assertEqual(to_pay([]), 0)

    def test_large_basket_gets_its_discount(self):
        card_terminal()
        self.assertEqual(to_pay([(1000, 6)]), 5400)

    def test_paying_by_card(self):
        card_terminal()
        self.assertEqual(to_pay([(420, 2)]), 840)
