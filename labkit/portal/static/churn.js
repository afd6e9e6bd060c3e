// churn
