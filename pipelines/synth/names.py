"""Names of invented people with the frequencies of Chinese surnames and given-name fashions by birth year.

Not here: which persons are relatives (people.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, year_of

# Shares in per mille of the population, rounded; the tail beyond these names is spread over them.
_SURNAMES = (
    "王72 李70 张64 刘55 陈52 杨42 黄28 周27 吴25 徐19 赵19 罗18 何17 唐14 邓14 冉9 蒋13 冯12 谭12 胡16 "
    "朱16 郭14 马13 彭13 曾12 肖12 程11 曹10 袁10 谢12 许10 韩9 田10 高9 林9 梁9 宋9 郑9 龙8 余9 "
    "向8 熊8 任8 廖8 秦8 汪7 夏7 傅6 钟7 姚7 卢7 姜6 崔5 石7 戴6 贾5 付7 方6 邹7 郝3 "
    "孔4 白5 毛5 邱5 江6 史4 顾4 侯4 邵3 孟4 万5 段5 雷6 钱4 汤5 尹5 黎6 易5 常3 武3 "
    "文6 牟4 庞3 樊3 兰4 殷3 施3 陶4 洪3 翟2 安3 颜3 倪3 严4 牛2 温3 芦2 季2 俞2 章3 "
    "鲁3 葛3 伍3 韦4 申3 尤2 毕2 聂3 丛2 焦2 覃5 况3 欧阳3 刁3 游4 甘3 柏2 代4 古4 霍2"
)
# Given-name characters by fashion: born before 1960, 1960-1984, 1985-2004, 2005 and later.
_GIVEN = {
    (1, 0): "国明德华文光天永安福寿贵荣元正清玉成世忠良学朝云平开素树兴万富全发财仁义礼",
    (2, 0): "秀英玉珍素兰淑芳桂华碧清凤珍贞惠群明琼芬芝菊莲世光国德云朝显昌仁开维",
    (1, 1): "建军国强勇伟明刚平华东辉小志斌文林涛兵红波云永波洪春德长金权康奎洋松",
    (2, 1): "红英霞梅丽燕玲芳萍艳琴敏静春晓小容利群琼建素珍淑兰秀世云碧永先洪莉娟",
    (1, 2): "鹏杰磊超浩涛俊宇旭阳帅凯斌鑫毅博龙飞洋峰健林川江渝航亮威坤成志文子嘉",
    (2, 2): "婷雪丹娟倩慧莎洁颖佳琳璐瑶欣怡梦蕾露雨思晓雯媛丽娜月莹静蓉琪渝诗芸",
    (1, 3): "子轩浩宇梓睿泽宸煜涵俊熙博文奕辰皓天佑铭沐瑞麟霖一诺昊然嘉懿渝书恒安",
    (2, 3): "子涵梓萱欣怡诗雨可馨思琪若汐语桐奕诺一依芷晴沐瑶佳妍颜书禾雅静心玥悦",
}
PLACEHOLDER_GIVEN_NAMES = ("之子", "之女", "大宝", "小宝")


def _surname_table() -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    names, weights = [], []
    for item in _SURNAMES.split():
        text = item.rstrip("0123456789")
        names.append(text)
        weights.append(float(item[len(text) :]))
    shares = np.array(weights)
    return np.array(names), shares / shares.sum()


def draw_surnames(generator: Generator, size: int) -> NDArray[np.str_]:
    """Surnames in their natural shares."""
    names, shares = _surname_table()
    return np.asarray(names[generator.choice(len(names), size=size, p=shares)])


def draw_given_names(generator: Generator, births: Dates, sexes: Whole) -> pl.Series:
    """Given names of one or two characters by the fashion of the birth years; more single ones 1985-2004."""
    fashion = np.digitize(year_of(births), [1960, 1985, 2005])
    size = len(births)
    first = np.empty(size, dtype="<U1")
    second = np.empty(size, dtype="<U1")
    draws = generator.integers(0, 2**31, size=(2, size))
    for (sex, period), characters in _GIVEN.items():
        chosen = (np.where(sexes == 2, 2, 1) == sex) & (fashion == period)
        # The frequent characters stand first: the smaller of two draws favours them.
        pool = np.array(list(characters))
        half = draws[:, chosen] % len(pool)
        first[chosen] = pool[np.minimum(half[0], half[1])]
        second[chosen] = pool[half[1]]
    single = generator.random(size) < np.array([0.18, 0.22, 0.35, 0.06])[fashion]
    return pl.Series(first) + pl.Series(np.where(single, "", second))
