"""Capital of a country; the counterfactual names another country.

Source of the facts: the country pages ("Government: Capital") of The World Factbook, a work of the United States
government in the public domain. Countries whose seat of government is disputed or divided are left out.
"""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.model.weights import Weights

TEMPLATES = (
    "The capital of {country} is the city of",
    "The government of {country} has its seat in the capital,",
    "If you travel to {country}, you should visit its capital,",
    "Question: What is the capital of {country}? Answer:",
)
CAPITALS = (
    "Afghanistan:Kabul Albania:Tirana Algeria:Algiers Angola:Luanda Argentina:Buenos_Aires Armenia:Yerevan "
    "Australia:Canberra Austria:Vienna Azerbaijan:Baku Bahrain:Manama Bangladesh:Dhaka Belarus:Minsk Belgium:Brussels "
    "Bosnia:Sarajevo Botswana:Gaborone Brazil:Brasilia Bulgaria:Sofia Cambodia:Phnom_Penh Cameroon:Yaounde "
    "Canada:Ottawa Chad:N'Djamena Chile:Santiago China:Beijing Colombia:Bogota Croatia:Zagreb Cuba:Havana "
    "Cyprus:Nicosia Denmark:Copenhagen Ecuador:Quito Egypt:Cairo Eritrea:Asmara Estonia:Tallinn Ethiopia:Addis_Ababa "
    "Fiji:Suva Finland:Helsinki France:Paris Gabon:Libreville Georgia:Tbilisi Germany:Berlin Ghana:Accra Greece:Athens "
    "Guinea:Conakry Guyana:Georgetown Haiti:Port-au-Prince Honduras:Tegucigalpa Hungary:Budapest Iceland:Reykjavik "
    "India:New_Delhi Indonesia:Jakarta Iran:Tehran Iraq:Baghdad Ireland:Dublin Italy:Rome Jamaica:Kingston Japan:Tokyo "
    "Jordan:Amman Kenya:Nairobi Laos:Vientiane Latvia:Riga Lebanon:Beirut Liberia:Monrovia Libya:Tripoli "
    "Lithuania:Vilnius Madagascar:Antananarivo Malaysia:Kuala_Lumpur Mali:Bamako Malta:Valletta Mexico:Mexico_City "
    "Mongolia:Ulaanbaatar Morocco:Rabat Mozambique:Maputo Namibia:Windhoek Nepal:Kathmandu Nicaragua:Managua "
    "Niger:Niamey Nigeria:Abuja Norway:Oslo Oman:Muscat Pakistan:Islamabad Paraguay:Asuncion Peru:Lima Poland:Warsaw "
    "Portugal:Lisbon Qatar:Doha Romania:Bucharest Russia:Moscow Rwanda:Kigali Senegal:Dakar Serbia:Belgrade "
    "Slovakia:Bratislava Slovenia:Ljubljana Somalia:Mogadishu Spain:Madrid Sudan:Khartoum Sweden:Stockholm "
    "Switzerland:Bern Syria:Damascus Thailand:Bangkok Tunisia:Tunis Turkey:Ankara Uganda:Kampala Ukraine:Kyiv "
    "Uruguay:Montevideo Venezuela:Caracas Vietnam:Hanoi Zambia:Lusaka Zimbabwe:Harare"
)


def pools(weights: Weights) -> Pools:
    """Countries whose capital is one token."""
    facts = [tuple(fact.replace("_", " ").split(":")) for fact in CAPITALS.split()]
    return {"country": [(country, city) for country, city in facts if is_token(weights, f" {city}")]}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair of two countries."""
    (country, city), (other, others) = random.sample(fillers["country"], 2)
    return pair(template, {"country": country}, {"country": other}, [f" {city}"], [f" {others}"], [country, other])


CAPITAL = Recipe(
    "capital",
    "capital of a country: 'The capital of France is the city of' → Paris; another country is named",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
)
