"""
The text net: a linear model over hashed words, word pairs and n-grams, which knows vocabulary, plus convolutions over token vectors, which know
order ("not all X are Y"). Both are trained apart and added up.

Shapes: ids int [B, T, ROW], 0 is padding; logits [B, HEADS]. Padding never changes an answer, so messages of any length share a batch.
"""
import torch
from torch import nn
from torch.nn import functional as F

from features import WORDS

# Rows of the convolutions' table: hashes beyond it share rows.
ROWS = 1 << 15


class TextNet(nn.Module):
    def __init__(self, heads: int, width: int = 36, channels: int = 80, dropout: float = 0.35):
        super().__init__()
        self.width = width
        self.table = nn.Embedding(ROWS, width, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        with torch.no_grad():
            self.table.weight[0] = 0
        self.mix = nn.Linear(3 * width, channels)
        self.near = nn.Conv1d(channels, channels, 3, padding=1)
        self.far = nn.Conv1d(channels, channels, 3, padding=2, dilation=2)
        self.wide = nn.Conv1d(channels, channels, 3, padding=4, dilation=4)
        self.attention = nn.Linear(channels, 4)
        self.hidden = nn.Linear(5 * channels, channels)
        self.heads = nn.Linear(channels, heads)
        self.dropout = nn.Dropout(dropout)
        # The scale of the table's columns, once they are int8: applied after the sums, which are fewer than the rows.
        self.register_buffer("columns", torch.ones(3 * width), persistent=False)
        self.token_dropout = 0.08
        self.word_dropout = 0.2

    def embed(self, ids):
        return self.table(ids % ROWS)

    def forward(self, ids):
        present = (ids[:, :, 0] > 0).float()
        mask = present.unsqueeze(1)
        vectors = self.embed(ids)
        letters = (ids[:, :, WORDS:] > 0).float().sum(2, keepdim=True).clamp(min=1)
        grams = vectors[:, :, WORDS:].sum(2) / letters
        x = torch.cat([vectors[:, :, 0], vectors[:, :, 1], grams], 2) * self.columns
        if self.training:
            # Some words are known only by their letters: new words must not come as a surprise.
            keep = (torch.rand(x.shape[0], x.shape[1], 1) > self.word_dropout).float()
            x = torch.cat([x[:, :, : 2 * self.width] * keep, x[:, :, 2 * self.width :]], 2)
            x = x * (torch.rand(x.shape[0], x.shape[1], 1) > self.token_dropout).float()
        x = torch.relu(self.mix(self.dropout(x))).transpose(1, 2) * mask
        x = x + torch.relu(self.near(x)) * mask
        x = x + torch.relu(self.far(x)) * mask
        x = x + torch.relu(self.wide(x)) * mask
        # Nothing is below zero here, so padding never wins.
        highest = x.max(2).values
        scores = self.attention(x.transpose(1, 2)) - 1e4 * (1 - present).unsqueeze(2)
        attended = torch.matmul(x, F.softmax(scores, 1)).flatten(1)
        pooled = self.dropout(torch.cat([highest, attended], 1))
        return self.heads(self.dropout(torch.relu(self.hidden(pooled))))


class Linear(nn.Module):
    """sklearn's weights at work. weights [BUCKETS, HEADS] (already times idf), squares [BUCKETS] (idf squared), bias [HEADS]."""

    def __init__(self, weights, squares, bias):
        super().__init__()
        both = torch.cat([weights, squares.unsqueeze(1)], 1).float()
        self.scale = nn.Parameter(both.abs().max(0).values.clamp(min=1e-6) / 127, requires_grad=False)
        self.rows = nn.Parameter(torch.round(both / self.scale).to(torch.int8), requires_grad=False)
        self.bias = nn.Parameter(bias.float(), requires_grad=False)

    def forward(self, ids):
        sums = (self.rows[ids.long()].float().sum(2).sum(1)) * self.scale
        return sums[:, :-1] / sums[:, -1:].clamp(min=1e-3).sqrt() + self.bias


class Together(nn.Module):
    """What is measured: both parts, the table as int8 with one scale per column, each head calibrated; probabilities out."""

    def __init__(self, net: TextNet, linear: Linear, shares, slopes, offsets):
        super().__init__()
        weight = net.table.weight.detach()
        scale = weight.abs().max(0).values.clamp(min=1e-6) / 127
        self.net, self.linear = net, linear
        net.embed = lambda ids: self.rows[ids.long() % ROWS].float()
        net.columns = scale.repeat(3)
        self.register_buffer("rows", torch.round(weight / scale).to(torch.int8))
        for name, values in (("shares", shares), ("slopes", slopes), ("offsets", offsets)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    def logits(self, ids):
        return self.net(ids) * self.shares + self.linear(ids) * (1 - self.shares)

    def forward(self, ids):
        return torch.sigmoid(self.logits(ids) * self.slopes + self.offsets)


class Served(nn.Module):
    """
    What is served: the same function as `Together` for texts that all have the same number of tokens, cut where it stops being sparse. The server adds
    up the rows of its tables itself (`sums`, server/src/pipeline/text/sums.ts) and remembers the result per word; `forward`, everything dense, is exported.
    At this size an operator costs more than its arithmetic, so there are no masks, and constants are folded into the weights next to them.
    """

    def __init__(self, together: Together):
        super().__init__()
        self.net, self.rows = together.net, together.rows
        linear, share = together.linear, together.shares
        # (sum * scale) / sqrt(squares * scale) * (1 - share) * slope, without what is constant.
        factor = linear.scale[:-1] / linear.scale[-1].sqrt() * (1 - share) * together.slopes
        assert float(1e-3 / linear.scale[-1]) <= 1, "a sum of whole numbers is either nothing or not below the least"
        self.register_buffer("words", linear.rows.detach())
        self.register_buffer("factor", torch.diag(factor.detach()))
        net, channels = together.net, together.net.mix.out_features
        self.last = nn.Linear(net.heads.in_features, net.heads.out_features)
        self.mix = nn.Conv1d(net.mix.in_features, channels, 1)
        self.hidden = nn.Linear(net.hidden.in_features, channels)
        with torch.no_grad():
            self.last.weight.copy_(net.heads.weight * (share * together.slopes).unsqueeze(1))
            self.last.bias.copy_((net.heads.bias * share + linear.bias * (1 - share)) * together.slopes + together.offsets)
            self.mix.weight.copy_((net.mix.weight * net.columns).unsqueeze(2))
            self.mix.bias.copy_(net.mix.bias)
            # `attended` comes out as [4, channels], where `Together` has [channels, 4].
            highest, attended = net.hidden.weight[:, :channels], net.hidden.weight[:, channels:]
            self.hidden.weight.copy_(torch.cat([highest, attended.reshape(channels, channels, 4).transpose(1, 2).flatten(1)], 1))
            self.hidden.bias.copy_(net.hidden.bias)

    def sums(self, ids):
        """ids [B, T, ROW] -> tokens [B, 3 * width, T]: per token its two word rows and the mean of its n-grams' rows; words [B, HEADS]."""
        places = ids.long()
        counts = self.words[places].float().sum((1, 2))
        vectors = self.rows[places % ROWS].float()
        letters = (ids[:, :, WORDS:] > 0).float().sum(2, keepdim=True).clamp(min=1)
        tokens = torch.cat([vectors[:, :, 0], vectors[:, :, 1], vectors[:, :, WORDS:].sum(2) / letters], 2)
        return tokens.transpose(1, 2), counts[:, :-1] / counts[:, -1:].clamp(min=1).sqrt()

    def forward(self, tokens, words):
        net = self.net
        x = torch.relu(self.mix(tokens))
        x = x + torch.relu(net.near(x))
        x = x + torch.relu(net.far(x))
        x = x + torch.relu(net.wide(x))
        # The attention's bias is the same for every token, so it changes no share.
        attended = torch.matmul(F.softmax(torch.matmul(net.attention.weight, x), 2), x.transpose(1, 2)).flatten(1)
        pooled = torch.cat([x.max(2).values, attended], 1)
        return torch.sigmoid(torch.addmm(self.last(torch.relu(self.hidden(pooled))), words, self.factor))
