"""Who and what the lender is made of: branches, officers with their talents, products, channels."""

from dataclasses import dataclass
from random import Random

BRANCHES = 12
OFFICERS = 120
CHANNELS = ("branch", "online", "online", "phone", "broker")
SCORING_SYSTEM = "sys-scoring"
"""The program that declines at once; an officer id like any other, listed among the system users."""


@dataclass(frozen=True, slots=True)
class Officer:
    """One officer. Talents make officers differ as a team lead knows them to."""

    id: str
    branch: str
    pace: float
    """Multiplies working times: 0.7 is quick, 1.4 slow."""
    care: float
    """Multiplies the rates of errors."""
    charm: float
    """Added to scores of 1 to 5."""
    weight: int
    """Files a day against those of a colleague."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product, its amounts in minor units."""

    id: str
    weight: int
    median_minor: int
    months: tuple[int, int]
    is_new: bool
    margin_bp: int


PRODUCTS = (
    Product("personal-loan", 9, 1_200_000, (12, 60), False, 320),
    Product("car-loan", 6, 2_100_000, (24, 72), False, 210),
    Product("home-loan", 2, 21_000_000, (120, 360), False, 90),
    Product("business-loan", 2, 6_500_000, (12, 84), False, 180),
    Product("bridge-loan", 2, 900_000, (1, 3), True, 260),
    Product("green-loan", 2, 1_600_000, (24, 96), True, 150),
)
NEW_PRODUCTS = tuple(product for product in PRODUCTS if product.is_new)


class Cast:
    """The lender's people; drawn once, from the seed alone."""

    def __init__(self, rng: Random) -> None:
        branches = [f"b-{number:02}" for number in range(1, BRANCHES + 1)]
        spirit = {branch: rng.gauss(0, 0.08) for branch in branches}
        self.officers = [
            self._officer(rng, number, branches[number % BRANCHES], spirit)
            for number in range(1, OFFICERS + 1)
        ]
        self._by_work = [officer for officer in self.officers for _ in range(officer.weight)]
        self._products = [product for product in PRODUCTS for _ in range(product.weight)]

    def officer(self, rng: Random) -> Officer:
        """An officer at work; busy ones come more often."""
        return rng.choice(self._by_work)

    def product(self, rng: Random) -> Product:
        return rng.choice(self._products)

    @staticmethod
    def _officer(rng: Random, number: int, branch: str, spirit: dict[str, float]) -> Officer:
        return Officer(
            id=f"o-{number:03}",
            branch=branch,
            pace=min(1.6, max(0.6, rng.gauss(1.0 + spirit[branch], 0.18))),
            care=min(2.5, max(0.3, rng.lognormvariate(0.0, 0.4))),
            charm=rng.gauss(-spirit[branch], 0.15),
            weight=rng.randint(2, 6),
        )
