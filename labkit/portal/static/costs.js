// costs
